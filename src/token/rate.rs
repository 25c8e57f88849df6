//! How fast a token is by itself: `C_SignInit` and `C_Sign` in a loop on the worker's thread, with nothing around them.
//!
//! `./dev bench` sets kyso's own signing against this figure, so that a slow token is not taken for a slow kyso.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{KeySelector, Token, TokenError, mechanism::Operation};
use crate::x509::algorithm::SignatureScheme;

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Signatures made.
    pub signatures: u64,
    /// In how long.
    pub time: Duration,
}

impl Rate {
    /// Signatures in a second, on one thread.
    pub fn per_second(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of signatures is far below 2^52")]
        let signatures = self.signatures as f64;
        signatures / self.time.as_secs_f64()
    }
}

impl Token {
    /// Signs as fast as the token can for about `time`, which should be well under [`super::DEADLINE`].
    ///
    /// # Errors
    ///
    /// As [`Token::sign`]; a key that wants the PIN for each signature is refused.
    pub fn bare_sign_rate(
        &self,
        key: &KeySelector,
        scheme: SignatureScheme,
        time: Duration,
    ) -> Result<Rate, TokenError> {
        let operation = Operation::new(scheme, b"kyso")?;
        let (key, entitled) = (key.clone(), self.shared.logged_in.load(Ordering::Acquire));
        self.call(move |driver, name| {
            let (object, found) = driver.ready_key(name, entitled, &key)?;
            if found.always_authenticate {
                return Err(TokenError::PinNeeded);
            }
            let data = operation.input(found.kind)?;
            let begin = Instant::now();
            let mut signatures = 0;
            while begin.elapsed() < time {
                driver.sign_plain(name, object, &operation, &data)?;
                signatures += 1;
            }
            Ok(Rate { signatures, time: begin.elapsed() })
        })
    }
}
