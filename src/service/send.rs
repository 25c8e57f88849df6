//! Sending, and following what was sent.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    Page, PageRequest, Service, ServiceError,
    issue::{Asked, moment},
    record::{Appender, Happening},
    require,
};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{
        BusinessType, Code, Delivery, Dispatch, Document, DocumentState, Event, Secrecy, Side, State,
    },
    people::{AgencyCode, Caller, Scope},
    store::Tx,
};

/// A dispatch to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Send {
    /// An issued document of the caller's agency.
    #[schema(value_type = String)]
    pub document: Id<Document>,
    /// 1 to 500 other agencies, each once.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// As it was when sent.
    pub dispatch: Dispatch,
    /// It was made by an earlier request.
    pub replayed: bool,
}

impl Service {
    /// Sends an issued document. Answers only when every event stands in a stored, signed checkpoint. Scope `send`.
    ///
    /// The same key with the same request again gives the first answer again and sends nothing.
    ///
    /// # Errors
    ///
    /// When the scope is missing; the document is not the agency's, is secret, or is not issued; its file is not whole;
    /// a recipient is unknown, named twice or the sender itself; or the key was used for another request.
    pub async fn send(
        &self,
        caller: &Caller,
        send: &Send,
        idempotency_key: &str,
    ) -> Result<Sent, ServiceError> {
        require(caller, Scope::Send)?;
        check_recipients(caller, &send.recipients)?;
        let what = (send.document, &send.recipients, moment(send.due), send.business);
        let request = Asked { task: "send", agency: caller.agency().as_str(), what }.digest()?;
        if let Some(sent) = self.sent_before(caller, idempotency_key, request).await? {
            return Ok(sent);
        }
        let document = self.inner.store.read().await?.document(send.document).await?;
        let document = document.ok_or_else(|| ServiceError::not_found("document", send.document))?;
        sendable(caller, &document)?;
        // The last moment to notice that the file is not what was signed.
        self.inner.blobs.check(document.sha256).await?;

        let mut tx = self.inner.store.write().await?;
        if self.replay::<Dispatch>(&mut tx, caller, Some(idempotency_key), request).await?.is_some() {
            drop(tx);
            let sent = self.sent_before(caller, idempotency_key, request).await?;
            return sent.ok_or(ServiceError::IdempotencyConflict);
        }
        let mut appender = Appender::begin(&mut tx).await?;
        let dispatch = self.record_dispatch(&mut tx, &mut appender, caller, send).await?;
        let response = serde_json::to_string(&dispatch)?;
        tx.keep_answer(caller.member().id, idempotency_key, request, &response, dispatch.sent_at).await?;
        self.fault(Code::Send, "answer");
        tx.commit().await?;
        self.fault(Code::Send, "commit");
        self.publish(Some(appender.size())).await?;
        Ok(Sent { dispatch, replayed: false })
    }

    /// What was sent by an earlier request with this key; its events are published before this is answered.
    async fn sent_before(
        &self,
        caller: &Caller,
        key: &str,
        request: Sha256,
    ) -> Result<Option<Sent>, ServiceError> {
        let mut tx = self.inner.store.read().await?;
        let Some(dispatch) = self.replay::<Dispatch>(&mut tx, caller, Some(key), request).await? else {
            return Ok(None);
        };
        drop(tx);
        let events = dispatch.deliveries.iter().flat_map(|delivery| &delivery.events);
        let size = events.map(|event| event.leaf + 1).max();
        self.publish(size).await?;
        Ok(Some(Sent { dispatch, replayed: true }))
    }

    /// A dispatch of the caller's agency with its deliveries and their events; a recipient sees its own delivery only.
    /// Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or there is no such dispatch for this caller.
    pub async fn dispatch(&self, caller: &Caller, id: Id<Dispatch>) -> Result<Dispatch, ServiceError> {
        require(caller, Scope::Read)?;
        let found = self.inner.store.read().await?.dispatch(id).await?;
        let mut dispatch = found.ok_or_else(|| ServiceError::not_found("dispatch", id))?;
        if dispatch.from != *caller.agency() {
            dispatch.deliveries.retain(|delivery| delivery.to == *caller.agency());
            if dispatch.deliveries.is_empty() {
                return Err(ServiceError::not_found("dispatch", id));
            }
        }
        Ok(dispatch)
    }

    /// What the caller's agency sent. Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or the cursor is none.
    pub async fn outbox(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Dispatch>, ServiceError> {
        require(caller, Scope::Read)?;
        let (before, limit) = page.read()?;
        let mut tx = self.inner.store.read().await?;
        let dispatches = tx.dispatches(caller.agency(), &before, i64::from(limit) + 1).await?;
        Ok(Page::of(dispatches, limit, |dispatch| dispatch.id.to_string()))
    }

    /// A delivery from or to the caller's agency. Scope `read`.
    ///
    /// # Errors
    ///
    /// When the scope is missing or there is no such delivery for this caller.
    pub async fn delivery(&self, caller: &Caller, id: Id<Delivery>) -> Result<Delivery, ServiceError> {
        require(caller, Scope::Read)?;
        let found = self.inner.store.read().await?.delivery(id).await?.map(|(delivery, _)| delivery);
        let own = |delivery: &Delivery| [&delivery.from, &delivery.to].contains(&caller.agency());
        found.filter(own).ok_or_else(|| ServiceError::not_found("delivery", id))
    }

    /// The events of a delivery, oldest first. Scope `read`.
    ///
    /// # Errors
    ///
    /// As [`Service::delivery`].
    pub async fn events(&self, caller: &Caller, id: Id<Delivery>) -> Result<Vec<Event>, ServiceError> {
        Ok(self.delivery(caller, id).await?.events)
    }

    /// Writes a dispatch, its deliveries, their events and leaves.
    async fn record_dispatch(
        &self,
        tx: &mut Tx,
        appender: &mut Appender,
        caller: &Caller,
        send: &Send,
    ) -> Result<Dispatch, ServiceError> {
        let document = tx.document(send.document).await?;
        let document = document.ok_or_else(|| ServiceError::not_found("document", send.document))?;
        sendable(caller, &document)?;
        let now = self.now();
        let mut dispatch = Dispatch {
            id: self.id(),
            document: document.id,
            sha256: document.sha256,
            from: document.agency,
            business: send.business,
            sent_by: caller.member().id,
            sent_at: now,
            deliveries: Vec::with_capacity(send.recipients.len()),
        };
        tx.insert_dispatch(&dispatch).await?;
        self.fault(Code::Send, "dispatch");
        for (position, recipient) in (0..).zip(&send.recipients) {
            if tx.agency(recipient).await?.is_none() {
                return Err(ServiceError::UnknownAgency { agency: recipient.clone() });
            }
            let mut delivery = Delivery {
                id: self.id(),
                dispatch: dispatch.id,
                document: document.id,
                sha256: document.sha256,
                from: dispatch.from.clone(),
                to: recipient.clone(),
                state: State::Prepared,
                before_recall: None,
                arrival_implied: false,
                due: send.due,
                events: Vec::new(),
            };
            tx.insert_delivery(&delivery, position).await?;
            self.fault(Code::Send, "delivery");
            let happening = Happening {
                id: self.id(),
                code: Code::Send,
                by: Side::Sender,
                actor: caller.member().id,
                at: now,
                reason: None,
                report: None,
            };
            self.happen(tx, appender, &mut delivery, send.business, happening).await?;
            tx.set_delivery_state(&delivery).await?;
            self.fault(Code::Send, "state");
            dispatch.deliveries.push(delivery);
        }
        Ok(dispatch)
    }
}

/// Recipients of one dispatch; a national circular goes through agencies that pass it on.
const MAX_RECIPIENTS: usize = 500;

fn check_recipients(caller: &Caller, recipients: &[AgencyCode]) -> Result<(), ServiceError> {
    if !(1..=MAX_RECIPIENTS).contains(&recipients.len()) {
        return Err(ServiceError::invalid(
            "recipients",
            format!("1 to {MAX_RECIPIENTS} agencies are allowed"),
        ));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = recipients.iter().find(|recipient| !seen.insert(*recipient)) {
        return Err(ServiceError::invalid("recipients", format!("{twice} is named twice")));
    }
    if recipients.contains(caller.agency()) {
        return Err(ServiceError::invalid("recipients", "an agency does not send to itself"));
    }
    Ok(())
}

fn sendable(caller: &Caller, document: &Document) -> Result<(), ServiceError> {
    if document.agency != *caller.agency() {
        return Err(ServiceError::not_found("document", document.id));
    }
    if document.secrecy == Secrecy::Secret {
        return Err(ServiceError::Secret);
    }
    if document.state != DocumentState::Issued {
        return Err(ServiceError::NotIssued);
    }
    Ok(())
}
