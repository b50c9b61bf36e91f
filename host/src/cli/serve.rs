//! `duijie serve`: the host itself.

use super::{Done, Ended, Global};
use crate::{app, telemetry};

pub(super) fn run(global: &Global) -> Done {
    let config = global.read_config()?;
    global.check_keys(&config)?;
    let _log = telemetry::start_logging(config.log_level, config.log_format);
    app::serve(config, &global.config).map_err(Ended::from)
}
