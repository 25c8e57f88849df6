//! The recipient's side: arrive, accept, refuse.

use super::{
    Page, PageRequest, Service, ServiceError, bounded,
    issue::{MAX_REASON, verified},
    record::{Appender, Happening},
    require,
};
use crate::{
    base::Id,
    dispatch::{Code, Delivery, Event, Side, TransitionError},
    people::{Caller, Scope},
    store::{Anomaly, FileSource, Tx},
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
    ///
    /// # Errors
    ///
    /// When the scope is missing or the cursor is none.
    pub async fn inbox(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Delivery>, ServiceError> {
        require(caller, Scope::Read)?;
        let (before, limit) = page.read()?;
        let mut tx = self.inner.store.read().await?;
        let deliveries = tx.deliveries(caller.agency(), &before, i64::from(limit) + 1).await?;
        Ok(Page::of(deliveries, limit, |delivery| delivery.id.to_string()))
    }

    /// The very bytes that were sent with a delivery. Scope `read`.
    ///
    /// # Errors
    ///
    /// As [`Service::delivery`], and when the file is missing.
    pub async fn open_delivery(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
    ) -> Result<(Delivery, FileSource), ServiceError> {
        let delivery = self.delivery(caller, id).await?;
        let file = self.inner.blobs.get(delivery.sha256)?;
        Ok((delivery, file))
    }

    /// 01: arrived. Scope `receive`.
    ///
    /// # Errors
    ///
    /// When the scope is missing, the delivery is not to the caller's agency, or the table does not have it now; that
    /// is kept as an anomaly.
    pub async fn arrive(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        self.receive(caller, id, Code::Arrived, None, None, report).await
    }

    /// 03: accepted. Takes the verdict on the very bytes sent, which must be valid, and stores it. Scope `receive`.
    ///
    /// # Errors
    ///
    /// As [`Service::arrive`], and when the verdict is of other bytes, is not valid, or has fewer than the person's
    /// and the agency's signature.
    pub async fn accept(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        verdict: &DocumentReport,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        self.receive(caller, id, Code::Accepted, None, Some(verdict), report).await
    }

    /// 02: refused, with a reason of 1 to 2,000 characters. Scope `receive`.
    ///
    /// # Errors
    ///
    /// As [`Service::arrive`], and when the reason is empty or too long.
    pub async fn refuse(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        reason: &str,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        let reason = bounded("reason", reason, MAX_REASON)?;
        self.receive(caller, id, Code::Refused, Some(&reason), None, report).await
    }

    /// What was reported of a delivery but did not fit, oldest first. Scope `read`.
    ///
    /// # Errors
    ///
    /// As [`Service::delivery`].
    pub async fn anomalies(&self, caller: &Caller, id: Id<Delivery>) -> Result<Vec<Anomaly>, ServiceError> {
        self.delivery(caller, id).await?;
        Ok(self.inner.store.read().await?.anomalies(id).await?)
    }

    async fn receive(
        &self,
        caller: &Caller,
        id: Id<Delivery>,
        code: Code,
        reason: Option<&str>,
        verdict: Option<&DocumentReport>,
        report: Report,
    ) -> Result<Delivery, ServiceError> {
        require(caller, Scope::Receive)?;
        let mut tx = self.inner.store.write().await?;
        let found = tx.delivery(id).await?.ok_or_else(|| ServiceError::not_found("delivery", id))?;
        let (mut delivery, business) = found;
        let by = side(caller, &delivery)?;
        let event = report.event.unwrap_or_else(|| self.id());
        if let Some(earlier) = tx.event(event).await? {
            drop(tx);
            return self.again(caller, delivery, &earlier, code, reason).await;
        }
        if let Some(verdict) = verdict {
            verified(verdict, delivery.sha256, SIGNATURES_OF_AN_ORIGINAL)?;
        }
        let stored = match verdict {
            Some(verdict) => Some(tx.insert_report(&serde_json::to_string(verdict)?).await?),
            None => None,
        };
        let now = self.now();
        let actor = caller.member().id;
        let happening = Happening { id: event, code, by, actor, at: now, reason, report: stored };
        let mut appender = Appender::begin(&mut tx).await?;
        match self.happen(&mut tx, &mut appender, &mut delivery, business, happening).await {
            Ok(()) => {}
            Err(ServiceError::Transition(why)) => {
                self.keep_anomaly(&mut tx, caller, &delivery, report, code, reason, &why).await?;
                tx.commit().await?;
                return Err(why.into());
            }
            Err(error) => return Err(error),
        }
        tx.set_delivery_state(&delivery).await?;
        self.fault(code, "state");
        tx.commit().await?;
        self.fault(code, "commit");
        self.publish(Some(appender.size())).await?;
        Ok(delivery)
    }

    /// The same event reported once more: nothing happens, but the answer waits for the checkpoint as it did before.
    async fn again(
        &self,
        caller: &Caller,
        delivery: Delivery,
        earlier: &Event,
        code: Code,
        reason: Option<&str>,
    ) -> Result<Delivery, ServiceError> {
        let same = earlier.delivery == delivery.id
            && earlier.code == code
            && earlier.actor == caller.member().id
            && earlier.reason.as_deref() == reason;
        if !same {
            return Err(ServiceError::EventReused { id: earlier.id.to_string() });
        }
        self.publish(Some(earlier.leaf + 1)).await?;
        Ok(delivery)
    }

    #[expect(clippy::too_many_arguments, reason = "everything that was reported is kept")]
    async fn keep_anomaly(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        delivery: &Delivery,
        report: Report,
        code: Code,
        reason: Option<&str>,
        why: &TransitionError,
    ) -> Result<(), ServiceError> {
        let anomaly = Anomaly {
            id: self.id(),
            delivery: delivery.id,
            event: report.event,
            code,
            actor: caller.member().id,
            at: self.now(),
            reason: reason.map(str::to_owned),
            state: delivery.state,
            why: why.to_string(),
        };
        Ok(tx.insert_anomaly(&anomaly).await?)
    }
}

/// The person's and the agency's (Decree 30/2020, Article 5).
const SIGNATURES_OF_AN_ORIGINAL: usize = 2;

fn side(caller: &Caller, delivery: &Delivery) -> Result<Side, ServiceError> {
    if delivery.to == *caller.agency() {
        Ok(Side::Recipient)
    } else if delivery.from == *caller.agency() {
        Ok(Side::Sender)
    } else {
        Err(ServiceError::not_found("delivery", delivery.id))
    }
}
