//! The house itself: floors, docs, commands.
