//! The rules for spending a try at a PIN.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::error::TokenError;
use crate::base::{Chance, Pin};

/// Whether to spend a try when the token warns that it is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastTry {
    /// Do not; tell the person instead.
    Refuse,
    /// The person has said so explicitly.
    SpendIt,
}

/// What a token's flags say of its user PIN (PKCS#11 section 3.2, `CK_TOKEN_INFO`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinFlags {
    /// `CKF_USER_PIN_COUNT_LOW`.
    pub count_low: bool,
    /// `CKF_USER_PIN_FINAL_TRY`.
    pub final_try: bool,
    /// `CKF_USER_PIN_LOCKED`.
    pub locked: bool,
}

impl PinFlags {
    /// Whether a try may be spent.
    ///
    /// # Errors
    ///
    /// [`TokenError::Locked`] always when locked; [`TokenError::FinalTry`] at the last try, unless it is to be spent.
    pub fn allow(self, last_try: LastTry) -> Result<(), TokenError> {
        if self.locked {
            Err(TokenError::Locked)
        } else if self.final_try && last_try == LastTry::Refuse {
            Err(TokenError::FinalTry)
        } else {
            Ok(())
        }
    }

    /// Whether a warning is set that was not set before: a try was spent between the two.
    pub(super) fn are_worse_than(self, before: Self) -> bool {
        (self.count_low && !before.count_low)
            || (self.final_try && !before.final_try)
            || (self.locked && !before.locked)
    }
}

/// Makes marks of PINs: enough to recognise one again, useless outside this process.
///
/// A mark is HMAC-SHA-256 under a key that is drawn at start and wiped with this value.
pub(super) struct Marker {
    key: [u8; 32],
}

/// The mark of one PIN at one token.
#[derive(Clone)]
pub(super) struct Mark([u8; 32]);

impl Marker {
    pub(super) fn new(chance: &Chance) -> Self {
        Self { key: chance.bytes() }
    }

    pub(super) fn mark(&self, pin: &Pin) -> Mark {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let mut mark = [0_u8; 32];
        mark.copy_from_slice(hmac::sign(&key, pin.reveal()).as_ref());
        Mark(mark)
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Mark {
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_spent_by_these_rules_only() {
        use LastTry::{Refuse, SpendIt};
        for (count_low, final_try, locked, last_try, expected) in [
            (false, false, false, Refuse, "ok"),
            (false, false, false, SpendIt, "ok"),
            (true, false, false, Refuse, "ok"),
            (false, true, false, Refuse, "final"),
            (true, true, false, Refuse, "final"),
            (true, true, false, SpendIt, "ok"),
            (false, false, true, Refuse, "locked"),
            (true, true, true, SpendIt, "locked"),
            (false, false, true, SpendIt, "locked"),
        ] {
            let answer = match (PinFlags { count_low, final_try, locked }).allow(last_try) {
                Ok(()) => "ok",
                Err(TokenError::FinalTry) => "final",
                Err(TokenError::Locked) => "locked",
                Err(_) => "another error",
            };
            assert_eq!(answer, expected, "{count_low} {final_try} {locked} {last_try:?}");
        }
    }

    #[test]
    fn a_mark_knows_its_pin_and_no_other() {
        let marker = Marker::new(&Chance::system());
        let mark = marker.mark(&Pin::new(b"2468".to_vec()));
        assert!(mark.is(&marker.mark(&Pin::new(b"2468".to_vec()))));
        assert!(!mark.is(&marker.mark(&Pin::new(b"2469".to_vec()))));
        assert!(!mark.is(&Marker::new(&Chance::system()).mark(&Pin::new(b"2468".to_vec()))));
    }
}
