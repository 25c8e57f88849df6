//! Rows of dispatches, deliveries, events and anomalies, and the answers to requests that may be asked again.

use std::collections::HashMap;

use super::db::{Row, StoreError, Tx, args};
use crate::{
    base::{Id, Sha256, UtcTime},
    dispatch::{BusinessType, Code, Delivery, Dispatch, Event, State},
    people::{AgencyCode, Member},
};

/// What was reported but does not fit the table of states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Its identifier.
    pub id: Id<Anomaly>,
    /// The delivery it was reported of.
    pub delivery: Id<Delivery>,
    /// The event identifier that the reporter chose.
    pub event: Option<Id<Event>>,
    /// What was reported.
    pub code: Code,
    /// By whom.
    pub actor: Id<Member>,
    /// When.
    pub at: UtcTime,
    /// The reason given.
    pub reason: Option<String>,
    /// The state that the delivery was in, and stayed in.
    pub state: State,
    /// Why it was rejected.
    pub why: String,
}

impl Tx {
    pub(crate) async fn insert_dispatch(&mut self, dispatch: &Dispatch) -> Result<(), StoreError> {
        let sql = "INSERT INTO dispatch (id, document, blob_sha256, sender, business, sent_by, sent_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let args = args![
            dispatch.id,
            dispatch.document,
            dispatch.sha256,
            &dispatch.from,
            i64::from(dispatch.business.digit()),
            dispatch.sent_by,
            dispatch.sent_at,
        ];
        self.run("adding a dispatch", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn insert_delivery(
        &mut self,
        delivery: &Delivery,
        position: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO delivery
                (id, dispatch, position, recipient, state, before_recall, arrival_implied, due_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let args = args![
            delivery.id,
            delivery.dispatch,
            position,
            &delivery.to,
            delivery.state.as_str(),
            delivery.before_recall.map(|state| state.as_str().to_owned()),
            delivery.arrival_implied,
            delivery.due,
        ];
        self.run("adding a delivery", sql, args).await?;
        Ok(())
    }

    /// Moves a delivery to the state it now has.
    pub(crate) async fn set_delivery_state(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        let sql = "UPDATE delivery SET state = $2, before_recall = $3, arrival_implied = $4 WHERE id = $1";
        let before = delivery.before_recall.map(|state| state.as_str().to_owned());
        let args = args![delivery.id, delivery.state.as_str(), before, delivery.arrival_implied];
        self.run("moving a delivery on", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn insert_event(&mut self, event: &Event, position: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO event
                (id, delivery, position, code, actor, at, reason, reason_salt, report_sha256, state)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let args = args![
            event.id,
            event.delivery,
            position,
            event.code.as_str(),
            event.actor,
            event.at,
            event.reason.clone(),
            event.reason_salt.clone(),
            event.report_sha256.as_deref().and_then(Sha256::from_hex),
            event.state.as_str(),
        ];
        self.run("adding an event", sql, args).await?;
        Ok(())
    }

    pub(crate) async fn insert_anomaly(&mut self, anomaly: &Anomaly) -> Result<(), StoreError> {
        let sql = "INSERT INTO anomaly (id, delivery, event, code, actor, at, reason, state, why)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let args = args![
            anomaly.id,
            anomaly.delivery,
            anomaly.event.map(|event| event.to_string()),
            anomaly.code.as_str(),
            anomaly.actor,
            anomaly.at,
            anomaly.reason.clone(),
            anomaly.state.as_str(),
            anomaly.why.as_str(),
        ];
        self.run("keeping an anomaly", sql, args).await?;
        Ok(())
    }

    /// The anomalies of a delivery, oldest first.
    pub(crate) async fn anomalies(&mut self, delivery: Id<Delivery>) -> Result<Vec<Anomaly>, StoreError> {
        let sql = "SELECT id, delivery, event, code, actor, at, reason, state, why FROM anomaly
            WHERE delivery = $1 ORDER BY at, id";
        let rows = self.all("reading anomalies", sql, args![delivery]).await?;
        rows.iter().map(anomaly).collect()
    }

    pub(crate) async fn dispatch(&mut self, id: Id<Dispatch>) -> Result<Option<Dispatch>, StoreError> {
        let sql = dispatch_sql!("WHERE id = $1");
        match self.one("reading a dispatch", sql, args![id]).await? {
            Some(row) => self.whole_dispatch(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// At most `limit` dispatches of an agency, newest first, older than `before`.
    pub(crate) async fn dispatches(
        &mut self,
        sender: &AgencyCode,
        before: &str,
        limit: i64,
    ) -> Result<Vec<Dispatch>, StoreError> {
        let sql = dispatch_sql!("WHERE sender = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        let rows = self.all("reading dispatches", sql, args![sender, before, limit]).await?;
        let mut dispatches = Vec::with_capacity(rows.len());
        for row in rows {
            dispatches.push(self.whole_dispatch(&row).await?);
        }
        Ok(dispatches)
    }

    /// A delivery with its events, and what kind of sending it belongs to.
    pub(crate) async fn delivery(
        &mut self,
        id: Id<Delivery>,
    ) -> Result<Option<(Delivery, BusinessType)>, StoreError> {
        let sql = delivery_sql!("WHERE v.id = $1");
        let Some(row) = self.one("reading a delivery", sql, args![id]).await? else { return Ok(None) };
        Ok(Some((self.whole_delivery(&row).await?, business(&row)?)))
    }

    /// At most `limit` deliveries to an agency, newest first, older than `before`.
    pub(crate) async fn deliveries(
        &mut self,
        recipient: &AgencyCode,
        before: &str,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql = delivery_sql!("WHERE v.recipient = $1 AND v.id < $2 ORDER BY v.id DESC LIMIT $3");
        let rows = self.all("reading deliveries", sql, args![recipient, before, limit]).await?;
        let mut deliveries = Vec::with_capacity(rows.len());
        for row in rows {
            deliveries.push(self.whole_delivery(&row).await?);
        }
        Ok(deliveries)
    }

    pub(crate) async fn event(&mut self, id: Id<Event>) -> Result<Option<Event>, StoreError> {
        let sql = event_sql!("WHERE e.id = $1");
        self.one("reading an event", sql, args![id]).await?.as_ref().map(event).transpose()
    }

    /// What was asked with this key before, as a digest, and what was answered.
    pub(crate) async fn answered(
        &mut self,
        client: Id<Member>,
        key: &str,
    ) -> Result<Option<(Sha256, String)>, StoreError> {
        let sql = "SELECT key, request_sha256, response FROM idempotency WHERE client = $1 AND key = $2";
        let row = self.one("looking for an earlier answer", sql, args![client, key]).await?;
        row.map(|row| Ok((row.sha256("request_sha256")?, row.text("response")?))).transpose()
    }

    pub(crate) async fn keep_answer(
        &mut self,
        client: Id<Member>,
        key: &str,
        request: Sha256,
        response: &str,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO idempotency (client, key, request_sha256, response, created_at)
            VALUES ($1, $2, $3, $4, $5)";
        self.run("keeping an answer", sql, args![client, key, request, response, now]).await?;
        Ok(())
    }

    async fn whole_dispatch(&mut self, row: &Row) -> Result<Dispatch, StoreError> {
        let mut dispatch = Dispatch {
            id: row.parsed("id")?,
            document: row.parsed("document")?,
            sha256: row.sha256("blob_sha256")?,
            from: row.parsed("sender")?,
            business: business(row)?,
            sent_by: row.parsed("sent_by")?,
            sent_at: row.time("sent_at")?,
            deliveries: Vec::new(),
        };
        let sql = delivery_sql!("WHERE v.dispatch = $1 ORDER BY v.position");
        let rows = self.all("reading deliveries", sql, args![dispatch.id]).await?;
        dispatch.deliveries = rows.iter().map(delivery).collect::<Result<_, _>>()?;
        let sql = event_sql!("WHERE v.dispatch = $1 ORDER BY v.position, e.position");
        let mut events: HashMap<Id<Delivery>, Vec<Event>> = HashMap::new();
        for row in self.all("reading events", sql, args![dispatch.id]).await? {
            let event = event(&row)?;
            events.entry(event.delivery).or_default().push(event);
        }
        for delivery in &mut dispatch.deliveries {
            delivery.events = events.remove(&delivery.id).unwrap_or_default();
        }
        Ok(dispatch)
    }

    async fn whole_delivery(&mut self, row: &Row) -> Result<Delivery, StoreError> {
        let mut delivery = delivery(row)?;
        let sql = event_sql!("WHERE e.delivery = $1 ORDER BY e.position");
        let rows = self.all("reading events", sql, args![delivery.id]).await?;
        delivery.events = rows.iter().map(event).collect::<Result<_, _>>()?;
        Ok(delivery)
    }
}

macro_rules! dispatch_sql {
    ($rest:literal) => {
        concat!("SELECT id, document, blob_sha256, sender, business, sent_by, sent_at FROM dispatch ", $rest)
    };
}
use dispatch_sql;

macro_rules! delivery_sql {
    ($rest:literal) => {
        concat!(
            "SELECT v.id, v.dispatch, p.document, p.blob_sha256, p.sender, p.business, v.recipient, v.state,
                v.before_recall, v.arrival_implied, v.due_at
            FROM delivery v JOIN dispatch p ON p.id = v.dispatch ",
            $rest
        )
    };
}
use delivery_sql;

macro_rules! event_sql {
    ($rest:literal) => {
        concat!(
            "SELECT e.id, v.dispatch, e.delivery, e.code, p.sender, v.recipient, p.blob_sha256, e.actor, e.at,
                e.reason, e.reason_salt, e.report_sha256, e.state, l.leaf
            FROM event e JOIN delivery v ON v.id = e.delivery JOIN dispatch p ON p.id = v.dispatch
                JOIN ledger_leaf l ON l.event = e.id ",
            $rest
        )
    };
}
use event_sql;

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.parsed("id")?,
        dispatch: row.parsed("dispatch")?,
        document: row.parsed("document")?,
        sha256: row.sha256("blob_sha256")?,
        from: row.parsed("sender")?,
        to: row.parsed("recipient")?,
        state: row.parsed("state")?,
        before_recall: row.maybe_parsed("before_recall")?,
        arrival_implied: row.flag("arrival_implied")?,
        due: row.maybe_time("due_at")?,
        events: Vec::new(),
    })
}

fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.parsed("id")?,
        dispatch: row.parsed("dispatch")?,
        delivery: row.parsed("delivery")?,
        code: row.parsed("code")?,
        from: row.parsed("sender")?,
        to: row.parsed("recipient")?,
        document_sha256: row.sha256("blob_sha256")?,
        actor: row.parsed("actor")?,
        at: row.time("at")?,
        reason: row.maybe_text("reason")?,
        reason_salt: row.maybe_text("reason_salt")?,
        report_sha256: row.maybe_sha256("report_sha256")?.map(Sha256::to_hex),
        state: row.parsed("state")?,
        leaf: row.number("leaf")?,
    })
}

fn anomaly(row: &Row) -> Result<Anomaly, StoreError> {
    Ok(Anomaly {
        id: row.parsed("id")?,
        delivery: row.parsed("delivery")?,
        event: row.maybe_parsed("event")?,
        code: row.parsed("code")?,
        actor: row.parsed("actor")?,
        at: row.time("at")?,
        reason: row.maybe_text("reason")?,
        state: row.parsed("state")?,
        why: row.text("why")?,
    })
}

fn business(row: &Row) -> Result<BusinessType, StoreError> {
    BusinessType::from_digit(row.number("business")?).ok_or_else(|| row.bad("business"))
}
