//! Where viewers enter the groups that serve them, and how a group ends: behind its last member, or
//! for good. Nobody is let in by a group that has ended.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

use crate::server::relay::sync::{Arc, Mutex, MutexGuard, Notify, PoisonError};

/// Somebody who enters a group.
pub(super) trait Enter {
    /// What all of a group look at.
    type Cell: std::fmt::Debug;

    /// Returns what this one looks at.
    fn cell(&self) -> Self::Cell;

    /// Returns whether this one looks at that.
    fn looks_at(&self, cell: &Self::Cell) -> bool;
}

/// The doors of all groups.
#[derive(Debug)]
pub(super) struct Doors<K, N: Enter> {
    /// How many members a group has at most.
    most: usize,
    open: Mutex<OpenDoors<K, N>>,
}

type OpenDoors<K, N> = HashMap<K, Vec<Arc<Door<N>>>>;

/// Where one group is entered.
#[derive(Debug)]
pub(super) struct Door<N: Enter> {
    cell: N::Cell,
    entrance: Mutex<Entrance<N>>,
    /// Somebody has entered.
    entered: Notify,
}

#[derive(Debug)]
struct Entrance<N> {
    newcomers: Vec<N>,
    /// Who is in, with the newcomers.
    members: usize,
}

impl<K: Clone + Eq + Hash, N: Enter> Doors<K, N> {
    pub(super) fn new(most: usize) -> Self {
        let open = Mutex::new(HashMap::new());
        Self { most, open }
    }

    /// Lets a newcomer into a group of this key. Where there is none with a place, a door is made:
    /// whoever gets it starts its group.
    pub(super) fn enter(&self, key: K, newcomer: N) -> Option<Arc<Door<N>>> {
        let mut open = self.open();
        let doors = open.entry(key).or_default();
        let mut newcomer = Some(newcomer);
        if doors
            .iter()
            .any(|door| door.enter(&mut newcomer, self.most))
        {
            return None;
        }
        let door = Arc::new(Door::new(newcomer?));
        doors.push(door.clone());
        Some(door)
    }

    /// Closes a group's door behind the last one, unless somebody has entered meanwhile.
    pub(super) fn close_if_empty(&self, key: &K, door: &Arc<Door<N>>) -> bool {
        let mut open = self.open();
        let is_empty = door.entrance().members == 0;
        if is_empty {
            remove(&mut open, key, door);
        }
        is_empty
    }

    /// Closes a group's door for good. Who has entered before is among the newcomers.
    pub(super) fn close(&self, key: &K, door: &Arc<Door<N>>) {
        remove(&mut self.open(), key, door);
    }

    fn open(&self) -> MutexGuard<'_, OpenDoors<K, N>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove<K: Clone + Eq + Hash, N: Enter>(
    open: &mut OpenDoors<K, N>,
    key: &K,
    door: &Arc<Door<N>>,
) {
    if let Entry::Occupied(mut doors) = open.entry(key.clone()) {
        doors.get_mut().retain(|other| !Arc::ptr_eq(other, door));
        if doors.get().is_empty() {
            doors.remove();
        }
    }
}

impl<N: Enter> Door<N> {
    fn new(first: N) -> Self {
        Self {
            cell: first.cell(),
            entrance: Mutex::new(Entrance {
                newcomers: vec![first],
                members: 1,
            }),
            entered: Notify::new(),
        }
    }

    /// Takes the newcomer in who looks at the same cell, where there is a place.
    fn enter(&self, newcomer: &mut Option<N>, most: usize) -> bool {
        let mut entrance = self.entrance();
        let is_welcome = entrance.members < most
            && newcomer
                .as_ref()
                .is_some_and(|one| one.looks_at(&self.cell));
        if is_welcome {
            entrance.newcomers.extend(newcomer.take());
            entrance.members += 1;
            self.entered.notify_one();
        }
        is_welcome
    }

    /// Waits until somebody has entered. Safe to cancel.
    pub(super) async fn entered(&self) {
        self.entered.notified().await;
    }

    /// Takes those who have entered since the last call.
    pub(super) fn newcomers(&self) -> Vec<N> {
        std::mem::take(&mut self.entrance().newcomers)
    }

    /// Takes note that a member has left.
    pub(super) fn left(&self) {
        self.entrance().members -= 1;
    }

    fn entrance(&self) -> MutexGuard<'_, Entrance<N>> {
        self.entrance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
