//! The `vestibule` binary.

/// Each request makes and drops a dozen small things, and the C library's allocator takes its time over them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    vestibule::command::run()
}
