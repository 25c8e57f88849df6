//! Agencies, members, positions, permissions.
