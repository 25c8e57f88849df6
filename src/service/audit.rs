//! Reading everything again.

use super::{Service, ServiceError};

/// Something that is wrong, in one line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// A stable word for programs: `blob.missing`, `leaf.differs`, …
    pub kind: &'static str,
    /// What and where.
    pub message: String,
}

impl Service {
    /// Re-reads everything stored and says what is wrong, if anything.
    pub async fn audit(&self) -> Result<Vec<Finding>, ServiceError> {
        todo!()
    }
}
