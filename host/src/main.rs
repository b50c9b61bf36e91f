//! The `duijie` binary: hands the command line to the library and turns the end into an exit code.

fn main() -> std::process::ExitCode {
    duijie::cli::run()
}
