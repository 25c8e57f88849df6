//! kryoptic's three entry points under their PKCS#11 names, inside our own binary.
//!
//! `cryptoki` looks a module's entry points up by name, in the running program for [`Pkcs11::new_from_self`]. So the
//! names have to exist here, and `build.rs` tells the linker to keep them in the program's dynamic symbol table.
//! `kryoptic-lib` itself exports no names: only its loadable-module sibling does.
//!
//! [`Pkcs11::new_from_self`]: cryptoki::context::Pkcs11::new_from_self
#![expect(
    unsafe_code,
    reason = "an exported name could clash with another of the same name in this program; there is no other, since \
              drivers are loaded with names of their own (`module::hold`)"
)]

use cryptoki_sys as ck;
use kryoptic_lib::fns::general;

/// Gives kryoptic's PKCS#11 2.40 function list.
#[unsafe(no_mangle)]
pub(super) extern "C" fn C_GetFunctionList(list: *mut *mut ck::CK_FUNCTION_LIST) -> ck::CK_RV {
    general::fn_get_function_list(list.cast())
}

/// Gives the list of kryoptic's interfaces (PKCS#11 3.0).
#[unsafe(no_mangle)]
extern "C" fn C_GetInterfaceList(list: *mut ck::CK_INTERFACE, count: *mut ck::CK_ULONG) -> ck::CK_RV {
    general::fn_get_interface_list(list.cast(), count)
}

/// Gives one of kryoptic's interfaces (PKCS#11 3.0).
#[unsafe(no_mangle)]
extern "C" fn C_GetInterface(
    name: *mut ck::CK_UTF8CHAR,
    version: *mut ck::CK_VERSION,
    interface: *mut *mut ck::CK_INTERFACE,
    flags: ck::CK_FLAGS,
) -> ck::CK_RV {
    general::fn_get_interface(name, version.cast(), interface.cast(), flags)
}

/// Keeps the three names referenced, so that no linker drops the object they live in.
pub(super) fn keep() {
    std::hint::black_box((
        C_GetFunctionList as *const (),
        C_GetInterfaceList as *const (),
        C_GetInterface as *const (),
    ));
}
