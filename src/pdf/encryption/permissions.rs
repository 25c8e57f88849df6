//! What an encrypted file lets its reader do (ISO 32000-2 table 22).

use super::super::PdfError;

/// The bits of `/P`, and whether they bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    bits: u32,
    revision: u8,
    owner: bool,
}

/// What somebody wants to do to an encrypted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Create a signature field and sign in it: bits 4 and 6.
    AddSignatureField,
    /// Sign in a field that is there: bit 9, or bit 6.
    FillSignatureField,
}

impl Permissions {
    /// `/P` and `/R` of the encryption dictionary; `owner`: opened with the owner's password.
    pub(super) fn new(bits: u32, revision: u8, owner: bool) -> Self {
        Self { bits, revision, owner }
    }

    /// Whether the file was opened with the owner's password: then everything is permitted.
    pub fn is_owner(self) -> bool {
        self.owner
    }

    /// Whether `/P` lets this be done, or the owner's password was given.
    pub fn permit(self, what: Use) -> bool {
        self.owner
            || match what {
                Use::AddSignatureField => self.has(4) && self.has(6),
                // Handlers of revision 2 have no bit 9.
                Use::FillSignatureField => self.has(6) || (self.revision >= 3 && self.has(9)),
            }
    }

    /// Refuses what is not permitted.
    ///
    /// # Errors
    ///
    /// [`PdfError::Permission`], which names the bits.
    pub(in crate::pdf) fn demand(self, what: Use) -> Result<(), PdfError> {
        if self.permit(what) {
            return Ok(());
        }
        let (what, bits) = match what {
            Use::AddSignatureField => ("a signature field be created", "bits 4 and 6"),
            Use::FillSignatureField => ("a signature field be filled", "bit 9 or bit 6"),
        };
        Err(PdfError::Permission { what, bits })
    }

    /// Bit `number` of the standard's table, counted from 1.
    fn has(self, number: u32) -> bool {
        self.bits & 1 << (number - 1) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_table_22_decide_unless_the_owner_asks() {
        let bits = |numbers: &[u32]| numbers.iter().fold(0, |bits, number| bits | 1 << (number - 1));
        for (numbers, revision, create, fill) in [
            (&[4, 6, 9][..], 3, true, true),
            (&[4, 6], 2, true, true),
            (&[6], 4, false, true),
            (&[4, 9], 6, false, true),
            (&[9], 6, false, true),
            (&[9], 2, false, false),
            (&[4], 6, false, false),
            (&[3, 5, 10, 11, 12], 6, false, false),
        ] {
            let user = Permissions::new(bits(numbers), revision, false);
            let told = (user.permit(Use::AddSignatureField), user.permit(Use::FillSignatureField));
            assert_eq!(told, (create, fill), "{numbers:?} in revision {revision}");
            let owner = Permissions::new(bits(numbers), revision, true);
            assert!(owner.permit(Use::AddSignatureField) && owner.permit(Use::FillSignatureField));
        }
    }
}
