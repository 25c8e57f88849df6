//! Sending, and following what was sent.

use serde::{Deserialize, Serialize};

use super::{Page, PageRequest, Service, ServiceError};
use crate::{
    base::{Id, UtcTime},
    dispatch::{BusinessType, Delivery, Dispatch, Document, Event},
    people::{AgencyCode, Caller},
};

/// A dispatch to be made.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Send {
    /// An issued document of the caller's agency.
    #[schema(value_type = String)]
    pub document: Id<Document>,
    /// 1 to 500 agencies, each once.
    #[schema(value_type = Vec<String>)]
    pub recipients: Vec<AgencyCode>,
    /// By when the sender wants it dealt with.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub due: Option<UtcTime>,
    /// What kind of sending it is.
    #[serde(default)]
    pub business: BusinessType,
}

/// A dispatch that was made, or that an earlier request with the same idempotency key had made.
#[derive(Clone, Debug)]
pub struct Sent {
    /// As it was when sent.
    pub dispatch: Dispatch,
    /// It was made by an earlier request.
    pub replayed: bool,
}

impl Service {
    /// Sends an issued document. Answers only when every event stands in a stored, signed checkpoint. Scope `send`.
    pub async fn send(
        &self,
        caller: &Caller,
        send: &Send,
        idempotency_key: &str,
    ) -> Result<Sent, ServiceError> {
        let _ = (caller, send, idempotency_key);
        todo!()
    }
    /// A dispatch of the caller's agency with its deliveries and their events; a recipient sees its own delivery only.
    pub async fn dispatch(&self, caller: &Caller, id: Id<Dispatch>) -> Result<Dispatch, ServiceError> {
        let _ = (caller, id);
        todo!()
    }
    /// What the caller's agency sent. Scope `read`.
    pub async fn outbox(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Dispatch>, ServiceError> {
        let _ = (caller, page);
        todo!()
    }
    /// A delivery from or to the caller's agency. Scope `read`.
    pub async fn delivery(&self, caller: &Caller, id: Id<Delivery>) -> Result<Delivery, ServiceError> {
        let _ = (caller, id);
        todo!()
    }
    /// The events of a delivery, oldest first. Scope `read`.
    pub async fn events(&self, caller: &Caller, id: Id<Delivery>) -> Result<Vec<Event>, ServiceError> {
        let _ = (caller, id);
        todo!()
    }
}
