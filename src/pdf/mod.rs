//! PDF: a lazy, revision-aware reader and an incremental writer (ISO 32000). `/Contents` stays opaque bytes.
//!
//! Reading is by position: a [`Document`] holds cross-reference data and never the file, so its cost grows with the
//! number of objects, not with the number of bytes. A revision stays visible as a revision, with its offsets,
//! because that is what a signature covers.
//!
//! Files that two programs may read as two documents are refused by name rather than repaired: see [`PdfError`].

mod area;
mod change;
mod document;
mod drawing;
mod encryption;
mod error;
mod fields;
mod guard;
mod hybrid;
mod layout;
mod lexer;
mod mdp;
mod object;
mod page;
mod repair;
mod revision;
mod security_store;
mod signable;
mod seed;
mod signature;
mod stream;
mod write;
mod xref;

pub use area::Area;
pub use change::{AddedSignature, AddedStamp, Change, ChangeKind, NotAlone};
pub use document::Document;
pub use drawing::{Drawing, Part};
pub use encryption::{Permissions, Use};
pub use error::{ByteRangeError, PdfError};
pub use fields::{NewField, SignatureSlot, add_signature_field};
pub use layout::{Layout, Letter};
pub use mdp::{DocMdp, UnknownWord};
pub use object::{Dictionary, Object, ObjectId, Real, Stream, decode_text, encode_text};
pub use page::{Frame, Page, SeenField};
pub use repair::{Finding, check_whole, rebuild};
pub use revision::Revision;
pub use security_store::{StoreEntry, prepare_store};
pub use seed::{CertificateFlag, CertificateSeed, SeedFlag, SeedValue, TimeStampSeed};
pub use signature::{Coverage, FieldDefect, FieldLock, LockedFields, SignatureField, SignatureKind};
pub use write::{Increment, NewSignature, prepare_signature};
