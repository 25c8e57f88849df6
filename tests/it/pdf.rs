//! PDF files, honest and broken.
