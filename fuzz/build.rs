//! The linker may not drop what seems unused: libFuzzer wants as many program counters as counters.
fn main() {
    println!("cargo::rustc-link-arg-bins=-Wl,--no-gc-sections");
}
