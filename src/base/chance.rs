//! Randomness as an argument.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// A source of unpredictable bytes.
///
/// Pure code that needs a nonce, a serial number or an identifier takes one of these.
#[derive(Clone, Debug, Default)]
pub struct Chance {
    system: SystemRandom,
}

impl Chance {
    /// The system's generator.
    pub fn system() -> Self {
        Self::default()
    }

    /// `N` fresh bytes.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness to give: nothing that kyso does is safe then.
    #[expect(clippy::disallowed_methods, reason = "the one place that draws chance")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0_u8; N];
        self.system.fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}
