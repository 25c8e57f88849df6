//! The `kyso` program.

fn main() -> std::process::ExitCode {
    kyso::cli::main()
}
