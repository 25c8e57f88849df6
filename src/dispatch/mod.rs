//! Numbers, deliveries, events: pure rules of circulation.
