//! The `vestibule` binary.

fn main() -> std::process::ExitCode {
    vestibule::command::run()
}
