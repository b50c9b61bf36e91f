//! Headers of the province's IRS gateway: an HMAC over method, path, query, access key and date. The body is not covered.

use duijie_sdk::{
    Failure,
    crypto::{Algorithm, hmac},
    encode,
    http::Request,
    time,
};

use crate::{IRS_SECRET_KEY, config::Config};

/// The request with the gateway's headers. The query is encoded, and sorted by name.
///
/// # Errors
/// `config` without an access key; what [`hmac`] gives.
pub(crate) fn authorized(
    config: &Config,
    request: Request,
    method: &str,
    path: &str,
    query: &str,
) -> Result<Request, Failure> {
    let access_key = config.irs.access_key.as_deref().unwrap_or_default();
    if access_key.is_empty() {
        return Err(Failure::config("irs.access_key is not set, and the gateway \"irs\" needs it"));
    }
    let date = time::http_date(time::now_ms());
    let message = format!("{method}\n{path}\n{query}\n{access_key}\n{date}\n");
    let signature = encode::base64(hmac(Algorithm::Sha256, IRS_SECRET_KEY, message)?);
    Ok(request
        .header("X-BG-HMAC-ACCESS-KEY", access_key)
        .header("X-BG-HMAC-SIGNATURE", signature)
        .header("X-BG-HMAC-ALGORITHM", "hmac-sha256")
        .header("X-BG-DATE-TIME", date))
}
