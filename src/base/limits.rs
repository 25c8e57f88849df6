//! How much of a hostile file a reader takes in before it stops.

/// Bounds for every reader. A reader that meets one says which, and stops.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Nesting of arrays, dictionaries, ASN.1 values. No honest file comes near.
    pub depth: usize,
    /// Objects in a file's cross-reference. The issue of a 100,000-object file leaves a margin of 80.
    pub objects: usize,
    /// Revisions (incremental updates) in one file.
    pub revisions: usize,
    /// Signatures in one file.
    pub signatures: usize,
    /// Bytes of one object as written, streams excluded.
    pub object_bytes: usize,
    /// Bytes of one decoded stream that has to be read (cross-reference, object stream).
    pub decoded_bytes: usize,
    /// Bytes of one CMS structure: large CRLs inside signatures have been seen at 10 MB.
    pub cms_bytes: usize,
    /// Certificates taken from one source.
    pub certificates: usize,
    /// Signature checks spent on building one path.
    pub path_checks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            objects: 8_388_607,
            revisions: 1_000,
            signatures: 500,
            object_bytes: 32 * 1024 * 1024,
            decoded_bytes: 256 * 1024 * 1024,
            cms_bytes: 16 * 1024 * 1024,
            certificates: 200,
            path_checks: 100,
        }
    }
}
