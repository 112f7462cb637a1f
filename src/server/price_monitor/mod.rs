//! The embedded price monitor: a guest that speaks to the rest only over the wire.

mod feed;
