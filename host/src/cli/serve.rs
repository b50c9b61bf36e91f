//! `duijie serve`: the host itself.

use super::{Done, Ended, Global};
use crate::{app, telemetry};

pub(super) fn run(global: &Global) -> Done {
    let config = global.read_config()?;
    let _log = telemetry::start_logging(&config.log_level, config.log_format)
        .map_err(|error| Ended::Usage(format!("{}: key `log.level`: {error}", global.config.display())))?;
    app::serve(config, &global.config).map_err(Ended::from)
}
