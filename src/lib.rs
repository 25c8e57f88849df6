//! kyso signs administrative documents with PKCS#11 tokens, judges signed documents, and circulates them between
//! agencies with a log that nobody can rewrite unseen.
//!
//! It does not make keys for people, does not keep citizens' data in its log, never tries a PIN twice, and never
//! calls a document valid whose certificate status is unknown.
//!
//! ```text
//!           draft.pdf                       signed.pdf                        signed.pdf + evidence
//!               |                               |                                     |
//!   token --> SIGN --> signed.pdf            VERIFY --> report                     DISPATCH --> event --> ledger leaf
//!               ^ time-stamp                    ^ OCSP, CRL                           |          |
//!              TSA                          network or caller                     deliveries   checkpoint --> proof
//! ```
//!
//! # The three walks
//!
//! **Sign.** The person's signature and then the agency's are this walk twice.
//!
//! 1. [`service::sign::SigningDesk::sign_file`] copies the input once, hashing it on the way;
//! 2. [`signing::check_signer`] looks at the certificate before anybody is asked for a PIN;
//! 3. [`pdf::Document::open`] reads the revisions, [`signing::prepare`] builds the one to append
//!    ([`pdf::prepare_signature`], with what [`appearance::compose`] drew where the signature is to be seen) and says
//!    what is to be signed;
//! 4. [`token::Token::sign`] signs it: the only step that sees a key;
//! 5. [`signing::Prepared::finish`] takes the value if it fits the certificate, [`fetch::Fetcher::post_timestamp`]
//!    brings the time-stamp, [`signing::Signed::stamp`] puts both in their place;
//! 6. the verify walk judges the result; only then does the file get its name, and
//!    [`service::Service::record_signature`] records it.
//!
//! Files of other kinds take the same walk as CAdES: [`service::sign::SigningDesk::sign_cms`], by
//! [`signing::prepare_cms`] and [`signing::CmsFile`].
//!
//! **Verify.**
//!
//! 1. [`validation::Inspection::open_any`] looks at the first bytes; of a PDF it reads revisions
//!    ([`pdf::Document::revisions`]), byte ranges ([`pdf::Document::check_byte_range`]), CMS
//!    ([`cms::SignedData::parse`]) and certificates;
//! 2. [`validation::Inspection::needs`] says what would help, [`service::verify::verify_source`] brings it through
//!    [`fetch`], [`validation::Inspection::supply`] takes it;
//! 3. [`validation::Inspection::judge`] is a pure function of document, evidence, policy, anchors and moment;
//! 4. each face shows the [`validation::DocumentReport`], in one of the shapes of [`rendering`].
//!
//! **Dispatch.**
//!
//! 1. [`service::Service::upload`], [`service::Service::number`], and the sign walk twice make an issued document;
//! 2. [`service::Service::send`] turns the command and the moment into events of [`dispatch`]; [`store`] commits
//!    rows, events and ledger leaves in one transaction;
//! 3. the checkpoint of [`ledger`] is signed and stored, and only then is "sent" answered;
//! 4. [`service::Service::arrive`], [`service::Service::accept`] (with a verdict that only validation can make) and
//!    [`service::Service::refuse`] are the recipient's side, by the same transaction;
//! 5. [`service::Service::prove`] writes a proof that [`ledger::Proof::check`] accepts with no server.
//!
//! # The directory
//!
//! Ground floor first. A room uses only rooms above it in this list; a test reads the list and names any `use` that
//! climbs. Above WORK there is no I/O and no clock: `now` is an argument.

// GROUND
pub mod base;

// FORMATS
pub mod asn1;
pub mod x509;
pub mod cms;
pub mod ocsp;
pub mod tsp;
pub mod font;
pub mod pdf;
pub mod xml;
pub mod asic;
pub mod ledger;

// JUDGEMENT
pub mod crypto;
pub mod trust;
pub mod validation;

// WORK
pub mod rendering;
pub mod appearance;
pub mod signing;
pub mod people;
pub mod dispatch;

// DOORS
pub mod token;
pub mod fetch;
pub mod store;

// TASKS
pub mod service;

// FACES
pub mod config;
pub mod telemetry;
pub mod http;
pub mod demo;
pub mod cli;
