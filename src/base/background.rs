//! Work that gives way to other work.

/// From now on this thread gets a tenth of a processor that others want, too. It cannot be taken back.
pub fn give_way() {
    // Where a system does not have it so, everything works as before.
    let _ = rustix::process::nice(NICENESS);
}

/// Each step weighs a fifth less: ten leave a tenth.
const NICENESS: i32 = 10;
