//! What a signature says and binds, as `kyso sign` makes it and `kyso review` expects it.

use der::oid::ObjectIdentifier;

use crate::{
    base::Digest,
    cms::{Commitment, SignedPolicy, Statements},
    pdf::{DocMdp, FieldLock, LockedFields},
    signing::Wishes,
};

#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(super) struct SaysArgs {
    /// Certify the document, as its first signature, and permit afterwards: 1 or no-changes, 2 or fill-and-sign, 3 or
    /// annotate
    #[arg(long, value_name = "LEVEL", help_heading = "What it binds")]
    certify: Option<DocMdp>,
    /// Fields that may not change afterwards: all, include:A,B or exclude:A,B
    #[arg(long, value_name = "FIELDS", help_heading = "What it binds")]
    lock: Option<LockedFields>,
    /// What the lock leaves to the whole document, by the levels of --certify
    #[arg(long, value_name = "LEVEL", requires = "lock", help_heading = "What it binds")]
    lock_level: Option<DocMdp>,
    /// The signature policy, by its object identifier
    #[arg(
        long,
        value_name = "OID",
        requires = "policy_digest",
        value_parser = identifier,
        help_heading = "What it says under protection"
    )]
    policy_oid: Option<ObjectIdentifier>,
    /// The digest of the policy's text, such as SHA-256:9f86…
    #[arg(
        long,
        value_name = "ALG:HEX",
        requires = "policy_oid",
        value_parser = SignedPolicy::parse_digest,
        help_heading = "What it says under protection"
    )]
    policy_digest: Option<Digest>,
    /// Where the policy's text is
    #[arg(long, value_name = "URI", requires = "policy_oid", help_heading = "What it says under protection")]
    policy_uri: Option<String>,
    /// What is meant by signing: proof-of-approval, -creation, -delivery, -origin, -receipt, -sender, or an object
    /// identifier; not together with --reason
    #[arg(long, value_name = "TYPE", help_heading = "What it says under protection")]
    commitment: Option<Commitment>,
    /// A role that the signer claims, such as "Chủ tịch"; may be given several times
    #[arg(long, value_name = "TEXT", help_heading = "What it says under protection")]
    role: Vec<String>,
}

impl SaysArgs {
    /// These wishes, and no others.
    pub(super) fn wishes(self) -> Wishes {
        let level = self.lock_level.map(DocMdp::level);
        let policy = self.policy_oid.zip(self.policy_digest);
        Wishes {
            certify: self.certify,
            lock: self.lock.map(|fields| FieldLock { fields, level }),
            statements: Statements {
                policy: policy.map(|(id, digest)| SignedPolicy { id, digest, uri: self.policy_uri }),
                commitment: self.commitment,
                roles: self.role,
            },
            ..Wishes::default()
        }
    }
}

fn identifier(text: &str) -> Result<ObjectIdentifier, String> {
    ObjectIdentifier::new(text).map_err(|_| "expected an object identifier, such as 2.16.704.1.1".to_owned())
}
