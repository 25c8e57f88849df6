//! The tasks: sign, verify, issue, send, receive, prove, upkeep. Holds the clock.
