//! Several signatures of one token at the same time.

use std::{num::NonZero, thread, time::Duration};

use kyso::{
    base::DigestAlgorithm,
    token::{
        KeySelector, LastTry, Token, TokenError, TokenSelector,
        provision::{NewKey, NewKeyKind},
    },
    x509::algorithm::SignatureScheme,
};

use super::{MESSAGE, Place, key, on_our_driver, on_softhsm, openssl_verifies, pin};

#[test]
fn several_sessions_sign_what_one_would_on_the_built_in_token() {
    several_sessions_sign_what_one_would(&Place::embedded());
}

#[test]
fn several_sessions_sign_what_one_would_on_softhsm() {
    on_softhsm(
        "sessions::several_sessions_sign_what_one_would_on_softhsm",
        several_sessions_sign_what_one_would,
    );
}

fn several_sessions_sign_what_one_would(place: &Place) {
    let token = place.token("Máy chủ");
    let plain = NewKeyKind::P256;
    let spki = token.generate_key(&key("plain", &[1], plain)).unwrap();
    let each_time = NewKey { always_authenticate: true, ..key("each time", &[2], plain) };
    let wary = token.generate_key(&each_time).unwrap();
    token.login(place.pin(), LastTry::Refuse).unwrap();
    token.sign_in_sessions(NonZero::new(3).unwrap());
    let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
    thread::scope(|scope| {
        for number in 0..6 {
            let (token, spki, wary) = (token.clone(), &spki, &wary);
            scope.spawn(move || {
                for turn in 0..3 {
                    let message = format!("văn bản {number}/{turn}");
                    for (label, spki) in [("plain", spki), ("each time", wary)] {
                        let signature = token
                            .sign(&KeySelector::Label(label.into()), scheme, message.as_bytes())
                            .unwrap();
                        openssl_verifies(spki, scheme, message.as_bytes(), &signature);
                    }
                }
            });
        }
    });
    // Another handle did not log in, lanes or not.
    let other = Token::open(&place.module, &TokenSelector::labelled("Máy chủ")).unwrap();
    other.sign_in_sessions(NonZero::new(2).unwrap());
    let refused = other.sign(&KeySelector::Label("plain".into()), scheme, MESSAGE);
    assert!(matches!(refused, Err(TokenError::NotLoggedIn)), "{refused:?}");
}

#[test]
fn sessions_are_in_the_driver_at_the_same_time() {
    on_our_driver("sessions::sessions_are_in_the_driver_at_the_same_time", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        token.login(pin("1234"), LastTry::Refuse).unwrap();
        token.sign_in_sessions(NonZero::new(2).unwrap());
        driver.tell("meet");
        thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| driver.sign(&token)));
            for one in both {
                one.join().unwrap().unwrap();
            }
        });
        assert_eq!(driver.logins(), 1);
    });
}

#[test]
fn a_token_without_room_for_more_sessions_signs_in_the_one() {
    on_our_driver("sessions::a_token_without_room_for_more_sessions_signs_in_the_one", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        token.login(pin("1234"), LastTry::Refuse).unwrap();
        token.sign_in_sessions(NonZero::new(4).unwrap());
        driver.tell("one");
        driver.sign(&token).unwrap();
        driver.sign(&token).unwrap();
    });
}

#[test]
fn further_sessions_go_with_the_token_and_come_back_with_one_login() {
    on_our_driver("sessions::further_sessions_go_with_the_token_and_come_back_with_one_login", |driver| {
        let token = Token::open(&driver.module, &TokenSelector::labelled("thu")).unwrap();
        token.login_and_keep(pin("1234"), LastTry::Refuse).unwrap();
        token.sign_in_sessions(NonZero::new(2).unwrap());
        driver.sign(&token).unwrap();
        driver.tell("away");
        for _ in 0..3 {
            let gone = driver.sign(&token);
            assert!(matches!(&gone, Err(TokenError::Removed { .. })), "{gone:?}");
        }
        assert_eq!(driver.logins(), 1);
        driver.tell("");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| driver.sign(&token).unwrap());
            }
        });
        assert_eq!(driver.logins(), 2);
    });
}

#[test]
fn sessions_that_hang_are_left_until_they_come_back() {
    on_our_driver("sessions::sessions_that_hang_are_left_until_they_come_back", |driver| {
        let (wanted, patience) = (TokenSelector::labelled("thu"), Duration::from_secs(3));
        let token = Token::open_with_deadline(&driver.module, &wanted, patience).unwrap();
        token.login(pin("1234"), LastTry::Refuse).unwrap();
        token.sign_in_sessions(NonZero::new(2).unwrap());
        driver.tell("hang C_Sign");
        // Two lanes, and then the module's own thread.
        for _ in 0..3 {
            let hung = driver.sign(&token);
            assert!(
                matches!(&hung, Err(TokenError::Timeout { function, .. }) if function == "C_Sign"),
                "{hung:?}"
            );
        }
        // Nobody starts one more to hang as well.
        let next = driver.sign(&token);
        assert!(matches!(&next, Err(TokenError::Stuck { .. })), "{next:?}");
        driver.tell("");
        driver.signs_again(&token);
        // They are back, both.
        driver.tell("meet");
        thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| driver.sign(&token)));
            for one in both {
                one.join().unwrap().unwrap();
            }
        });
    });
}
