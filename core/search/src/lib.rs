//! The study: ask and tell, objectives, record store, report.
