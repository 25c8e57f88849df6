//! The recipient's side: arrive, accept, refuse.

use super::{Page, PageRequest, Service, ServiceError};
use crate::{
    base::Id,
    dispatch::{Delivery, Event},
    people::Caller,
    store::FileSource,
    validation::DocumentReport,
};

/// How the recipient reports: the identifier of the event, chosen by the caller so that asking twice is asking once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// None: kyso chooses one.
    pub event: Option<Id<Event>>,
}

impl Service {
    /// What was sent to the caller's agency. Scope `read`.
    pub async fn inbox(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Delivery>, ServiceError> {
        let _ = (caller, page);
        todo!()
    }
    /// The very bytes that were sent with a delivery. Scope `read`.
    pub async fn open_delivery(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
    ) -> Result<(Delivery, FileSource), ServiceError> {
        let _ = (caller, id);
        todo!()
    }
    /// 01: arrived. Scope `receive`.
    pub async fn arrive(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        let _ = (caller, id, report);
        todo!()
    }
    /// 03: accepted. Takes the verdict on the very bytes sent, which must be valid, and stores it. Scope `receive`.
    pub async fn accept(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        verdict: &DocumentReport,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        let _ = (caller, id, verdict, report);
        todo!()
    }
    /// 02: refused, with a reason of 1 to 2,000 characters. Scope `receive`.
    pub async fn refuse(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        reason: &str,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        let _ = (caller, id, reason, report);
        todo!()
    }
}
