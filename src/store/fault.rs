//! Places where the crash test kills the process.

/// A place on the dispatch path where the process kills itself, as if by `kill -9`. Empty but in the crash test.
#[derive(Clone, Debug, Default)]
pub struct Faults(Option<String>);

impl Faults {
    /// No such place.
    pub fn none() -> Self {
        Self::default()
    }

    /// Die here: a name made of task and step, such as `send.leaf`. `tests/it/record.rs` lists them all.
    #[doc(hidden)]
    pub fn kill_at(point: &str) -> Self {
        Self(Some(point.to_owned()))
    }

    /// Dies here, if this is the place.
    pub(crate) fn point(&self, name: &str) {
        if self.0.as_deref() != Some(name) {
            return;
        }
        let own = std::process::id().to_string();
        // SIGKILL runs no handler and no destructor. Should `kill` be absent, abort runs none either.
        let _ = std::process::Command::new("kill").args(["-9", &own]).status();
        std::process::abort();
    }
}
