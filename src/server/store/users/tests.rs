use super::{
    external::{RoleFrom, SEEN_MILLIS, decide},
    *,
};
use crate::{model::role::RoleClaim, server::store::test_database::TestDatabase};

fn seen(role: RoleClaim, default_role: Option<Role>) -> ExternalUser<'static> {
    ExternalUser {
        issuer: "authjs",
        subject: "sub 1",
        email: Some("ada@example.com"),
        name: Some("Ada"),
        role,
        default_role,
    }
}

#[test]
fn a_role_is_the_claim_s_else_the_owner_s_else_the_default() {
    use RoleClaim::{Known, Missing, NoAccess, Unknown};
    let by_owner = Some((Role::Viewer, RoleFrom::Owner));
    let by_claim = Some((Role::Owner, RoleFrom::Claim));
    for (claim, default, here, decided) in [
        (
            Known(Role::Owner),
            None,
            None,
            Some((Role::Owner, RoleFrom::Claim)),
        ),
        (
            Known(Role::Staff),
            None,
            by_owner,
            Some((Role::Staff, RoleFrom::Claim)),
        ),
        (
            Missing,
            Some(Role::Staff),
            None,
            Some((Role::Staff, RoleFrom::Default)),
        ),
        (Missing, Some(Role::Staff), by_owner, by_owner),
        (
            Missing,
            Some(Role::Viewer),
            by_claim,
            Some((Role::Viewer, RoleFrom::Default)),
        ),
        (Missing, None, None, None),
        (Missing, None, by_owner, by_owner),
        (Missing, None, by_claim, None),
        (Unknown, Some(Role::Staff), None, None),
        (Unknown, Some(Role::Staff), by_claim, None),
        (Unknown, None, by_owner, by_owner),
        (NoAccess, Some(Role::Staff), None, None),
        (NoAccess, Some(Role::Staff), by_owner, None),
        (
            Missing,
            None,
            Some((Role::Owner, RoleFrom::Withdrawn)),
            None,
        ),
    ] {
        let decision = decide(&seen(claim, default), here);
        assert_eq!(decision, decided, "{claim:?} {default:?} {here:?}");
    }
}

#[tokio::test]
async fn what_the_owner_says_of_a_role_is_not_overwritten_and_a_claim_is_followed() {
    let (_database, store) = TestDatabase::opened().await;
    let see = |role| store.see_external_user(seen(role, Some(Role::Staff)), SEEN_MILLIS);
    let Seen::Known {
        login,
        is_back: true,
        ..
    } = see(RoleClaim::Missing).await.unwrap()
    else {
        panic!("they are let in, for the first time");
    };
    assert_eq!(login.user.role, Role::Staff);
    assert_eq!(login.user.called(), "ada@example.com (by Auth.js)");
    store.set_role(&login.user.id, Role::Viewer).await.unwrap();
    for claim in [RoleClaim::Missing, RoleClaim::Unknown] {
        let Seen::Known {
            login,
            role_changed: false,
            is_back: false,
        } = see(claim).await.unwrap()
        else {
            panic!("the owner's word holds for {claim:?}");
        };
        assert_eq!(login.user.role, Role::Viewer);
    }
    let claimed = see(RoleClaim::Known(Role::Owner)).await.unwrap();
    assert!(matches!(
        claimed,
        Seen::Known {
            role_changed: true,
            ..
        }
    ));
    let member = store.find_member(login.user.id.as_str()).await.unwrap();
    assert!(member.unwrap().role_is_claimed);
    let refused = see(RoleClaim::Unknown).await.unwrap();
    assert!(matches!(
        refused,
        Seen::Refused { user, is_withdrawn: true } if user == login.user.id
    ));
    assert!(!store.has_owner().await.unwrap());
    let again = see(RoleClaim::NoAccess).await.unwrap();
    assert!(matches!(
        again,
        Seen::Refused {
            is_withdrawn: false,
            ..
        }
    ));
    let back = see(RoleClaim::Known(Role::Staff)).await.unwrap();
    assert!(matches!(back, Seen::Known { .. }));
}

/// On PostgreSQL both would see each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_demote_each_other_one_stays() {
    let (_database, store) = TestDatabase::opened().await;
    let mut owners = Vec::new();
    for email in ["ada", "bob"] {
        let new = NewUser {
            email,
            name: email,
            role: Role::Owner,
            password_hash: String::new().into(),
        };
        owners.push(store.create_user(new).await.unwrap().unwrap().id);
    }
    for _ in 0..20 {
        let (one, other) = tokio::join!(
            store.set_role(&owners[0], Role::Staff),
            store.set_disabled(&owners[1], true),
        );
        assert!(one.unwrap() ^ other.unwrap());
        assert!(store.has_owner().await.unwrap());
        store.set_role(&owners[0], Role::Owner).await.unwrap();
        store.set_disabled(&owners[1], false).await.unwrap();
    }
}
