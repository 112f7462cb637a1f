//! The channels of a shard: newest frame and subscribers per job (pure).

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use crate::server::relay::{frame::Frame, rooms::RoomNumber};

#[derive(Debug, Default)]
pub(super) struct Channels {
    channels: Slab<Channel>,
    by_room: HashMap<RoomNumber, usize>,
}

#[derive(Debug)]
struct Channel {
    room: RoomNumber,
    newest: Arc<Frame>,
    is_closed: bool,
    members: Slab<Member>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Member {
    pub(super) connection: usize,
    pub(super) topic: usize,
}

/// Position of a topic in a channel.
#[derive(Debug)]
pub(super) struct Membership {
    channel: usize,
    member: usize,
}

impl Channels {
    /// Subscribes a topic to a room's newest frame. Returns the channel's number if it is new: the caller must watch
    /// its room.
    pub(super) fn join(
        &mut self,
        room: RoomNumber,
        newest: Arc<Frame>,
        member: Member,
    ) -> (Membership, Option<usize>) {
        let known = self.by_room.get(&room).copied();
        let channel = known.unwrap_or_else(|| {
            let channel = self.channels.insert(Channel {
                room,
                newest: newest.clone(),
                is_closed: false,
                members: Slab::new(),
            });
            self.by_room.insert(room, channel);
            channel
        });
        let at = &mut self.channels[channel];
        // Other subscribers get it with the room's change.
        at.update(newest);
        let member = at.members.insert(member);
        let is_new = known.is_none();
        (Membership { channel, member }, is_new.then_some(channel))
    }

    /// Stores a newer frame, or the job's deletion (`None`), and returns the subscribers. Without subscribers it
    /// removes the channel and returns `None`.
    pub(super) fn publish(
        &mut self,
        channel: usize,
        newest: Option<Arc<Frame>>,
    ) -> Option<impl Iterator<Item = Member> + use<'_>> {
        if self.channels[channel].members.is_empty() {
            self.remove(channel);
            return None;
        }
        let channel = &mut self.channels[channel];
        match newest {
            Some(newest) => channel.update(newest),
            None => channel.is_closed = true,
        }
        Some(channel.members.iter().map(|(_, member)| *member))
    }

    /// Returns the newest frame, and whether it is the last.
    pub(super) fn newest(&self, at: &Membership) -> (&Arc<Frame>, bool) {
        let channel = &self.channels[at.channel];
        (&channel.newest, channel.is_closed)
    }

    /// A watched channel stays until its next change.
    pub(super) fn leave(&mut self, at: Membership) {
        let channel = &mut self.channels[at.channel];
        channel.members.remove(at.member);
        if channel.members.is_empty() && channel.is_closed {
            self.remove(at.channel);
        }
    }

    fn remove(&mut self, channel: usize) {
        let removed = self.channels.remove(channel);
        self.by_room.remove(&removed.room);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.channels.len()
    }
}

impl Channel {
    fn update(&mut self, newest: Arc<Frame>) {
        if newest.revision > self.newest.revision {
            self.newest = newest;
        }
    }
}
