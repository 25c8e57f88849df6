//! Threads for work that nobody waits for alone.

use std::{fmt, io};

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that get a processor when the others leave one: a batch of hundreds neither holds up whoever signs one document
/// meanwhile, nor takes the processor from a token whose arithmetic this machine does itself.
pub struct Background {
    /// Only its blocking threads are used, and only while there is work. Taken out when this is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Background {
    /// No thread is started yet.
    ///
    /// # Errors
    ///
    /// When the system gives none of what threads need.
    pub fn new() -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.thread_name("kyso-background").on_thread_start(give_way).build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where [`Handle::spawn_blocking`] runs something on one of these threads.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The last owner may be a task, which must not wait for threads.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Background")
    }
}

/// From now on this thread gets a tenth of a processor that others want, too. It cannot be taken back.
pub fn give_way() {
    // Where a system does not have it so, everything works as before.
    let _ = rustix::process::nice(NICENESS);
}

/// Each step weighs a quarter less: ten leave a tenth.
const NICENESS: i32 = 10;
