//! Keeps the built-in token's entry points where `dlsym` finds them (see `src/token/embedded.rs`).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let embedded = std::env::var_os("CARGO_FEATURE_EMBEDDED_TOKEN").is_some();
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if !embedded {
        return;
    }
    for name in ["C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"] {
        match system.as_str() {
            "macos" => println!("cargo:rustc-link-arg=-Wl,-u,_{name},-exported_symbol,_{name}"),
            "windows" => println!("cargo:rustc-link-arg=/EXPORT:{name}"),
            _ => println!("cargo:rustc-link-arg=-Wl,-u,{name},--export-dynamic-symbol={name}"),
        }
    }
}
