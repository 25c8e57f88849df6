//! The HTTP face: API, pages, problems.
