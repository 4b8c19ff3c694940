//! Refuses an nginx that the module does not support, instead of failing in the
//! middle of the build or, worse, at run time; and compiles what is read in C.

/// `nginx_version` of 1.22.0, the oldest that is tested (DESIGN.md, rule 17).
const OLDEST: u64 = 1_022_000;

fn main() {
    println!("cargo::rerun-if-env-changed=DEP_NGINX_VERSION_NUMBER");
    println!("cargo::rerun-if-env-changed=DEP_NGINX_FEATURES");
    let version = std::env::var("DEP_NGINX_VERSION_NUMBER").unwrap_or_default();
    match version.parse::<u64>() {
        Ok(number) if number >= OLDEST => {}
        _ => println!("cargo::error=nginx version {version:?}: expected 1.22.0 or newer"),
    }
    // The module is loaded with load_module, so struct layouts must be those of
    // every nginx of this version, whatever else it was configured with.
    let features = std::env::var("DEP_NGINX_FEATURES").unwrap_or_default();
    for needed in ["compat", "http"] {
        if !features.split(',').any(|feature| feature == needed) {
            println!("cargo::error=this nginx was configured without {needed} (--with-compat)");
        }
    }
    compile_c();
}

/// What bindgen cannot say of nginx's structures, in C.
fn compile_c() {
    println!("cargo::rerun-if-changed=src/flags.c");
    println!("cargo::rerun-if-env-changed=DEP_NGINX_INCLUDE");
    let include = std::env::var_os("DEP_NGINX_INCLUDE").unwrap_or_default();
    cc::Build::new()
        .file("src/flags.c")
        .includes(std::env::split_paths(&include))
        // They would be of nginx's headers.
        .warnings(false)
        .compile("flags");
}
