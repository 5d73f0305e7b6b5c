//! Sending from end to end: the built program, and what becomes of a message.
//!
//! The parts are in the folder `sending`:
//!   `pages`     every failing server of `transcripts/clients/` meets the queue
//!   `relaying`  who may not relay does not, whatever form an address takes
//!   `ways`      here and there, in a circle, many at a time, and very large
//!   `disk`      a full disk at each step
//!   `crash`     `kill -9` at any moment
//!   `office`    the server of these tests
//!
//! Fifty cases have hurt other mail systems. This is where each of them is
//! tested; a test below looks whether all of these are there.
//!
//! ```text
//!  1  250 was given, and the file or its folder was not synced
//!     tests/queue.rs
//!     case_01_the_content_is_synced_then_the_entry_then_the_folder
//!     case_01_after_a_crash_a_promised_message_is_whole_and_others_are_gone
//!     tests/power/cut
//!     --queue
//!  2  a DNS error for now taken for "no such domain"
//!     tests/relay.rs
//!     case_02_a_name_server_that_fails_is_no_reason_to_bounce
//!     tests/routing.rs
//!     only_a_word_of_the_server_makes_mail_bounce
//!  3  no MX, and the domain itself forgotten
//!     tests/routing.rs
//!     a_domain_without_mx_is_its_own_mail_host
//!     tests/lab/run
//!     implicit.example
//!  4  one bad MX among good ones
//!     tests/routing.rs
//!     one_bad_mail_host_does_not_spoil_the_others
//!     tests/courier.rs
//!     case_04_a_host_that_hangs_up_before_the_dot_is_left_for_the_next_one
//!     tests/lab/run
//!     dead.example
//!     half.example
//!  5  4xx and 5xx mixed up, or one recipient for all
//!     src/protocol/sending/tests.rs
//!     case_05_each_recipient_has_its_own_fate
//!     tests/relay.rs
//!     case_05_a_recipient_that_has_the_message_does_not_get_it_again
//!     transcripts/clients/one-of-two.txt
//!     transcripts/clients/later-rcpt-never-data.txt
//!     transcripts/clients/never-rcpt-later-data.txt
//!  6  every RCPT refused, and DATA's code believed
//!     src/protocol/sending/tests.rs
//!     case_06_if_nobody_is_accepted_data_decides_nothing_rfc_2920_3_1
//!     transcripts/clients/pipelined-later.txt
//!     transcripts/clients/pipelined-none.txt
//!  7  duplicates: lost after the dot, or a crash
//!     tests/courier.rs
//!     case_07_after_the_dot_no_other_host_is_asked_rfc_1047
//!     tests/queue.rs
//!     case_07_a_crash_at_any_call_of_a_try_loses_nobody_and_tells_nobody_twice
//!     case_07_what_is_done_and_cannot_be_taken_out_is_never_sent_again
//!     tests/sending/crash.rs
//!     case_07_of_two_hosts_that_are_killed_all_the_time_no_mail_gets_lost
//!     transcripts/clients/hang-up-after-dot.txt
//!     tests/power/kill
//!  8  doubled dots at the ends of buffers, in broken lines, after LF
//!     src/protocol/outgoing.rs
//!     case_08_and_42_every_short_text_goes_out_as_the_model_has_it
//!     case_08_our_own_server_reads_back_what_was_sent_rfc_5321_4_5_2
//!     tests/peers/relay
//!     long-with-dots
//!  9  a bounce answered by a bounce
//!     tests/queue.rs
//!     case_09_a_bounce_never_bounces_it_is_kept_for_the_operator
//!     tests/relay.rs
//!     case_09_a_bounce_that_is_refused_is_dead_and_nobody_is_told
//! 10  retried for ever, and without growing waits
//!     tests/relay.rs
//!     case_10_what_is_refused_for_good_bounces_after_the_first_try
//!     src/relay/schedule.rs
//!     a_dead_host_is_tried_43_times_in_five_days
//! 11  one slow or dead host holds up all
//!     tests/relay.rs
//!     case_11_a_thousand_messages_to_a_silent_host_hold_up_nobody
//!     case_11_nor_does_a_silent_name_server
//!     tests/sending/ways.rs
//!     case_11_two_hundred_messages_to_a_silent_host_hold_up_nobody
//! 12  null MX
//!     tests/relay.rs
//!     case_12_null_mx_and_names_that_do_not_exist_bounce_without_a_connection
//!     tests/lab/run
//!     null.example
//! 13  a header is injected
//!     tests/agent.rs
//!     no_option_can_bring_a_line_end_or_a_control_character
//! 14  Bcc is sent
//!     tests/agent.rs
//!     hidden_recipients_are_taken_out_of_a_raw_message_rfc_5322_3_6_3
//!     a_header_that_is_no_field_is_refused
//! 15  a list of mail obeyed by a terminal
//!     tests/inbox.rs
//!     what_a_terminal_would_obey_is_escaped_after_decoding
//!     src/agent/queue.rs
//!     a_program_gets_seven_fields_between_tabs_and_nothing_to_obey
//!     src/agent/screen.rs
//!     what_a_terminal_would_obey_is_shown_and_not_sent
//! 16  replies: many lines, split, bare, two codes, no end
//!     tests/courier.rs
//!     case_16_replies_that_come_byte_by_byte_are_whole_replies
//!     case_16_a_reply_without_end_is_given_up
//!     transcripts/clients/multi-line.txt
//!     transcripts/clients/bare-code.txt
//!     transcripts/clients/code-changes.txt
//!     transcripts/clients/endless.txt
//! 17  a queue that is damaged or half written
//!     tests/queue.rs
//!     case_17_what_is_damaged_is_set_aside_and_the_rest_goes_on
//!     src/relay/entry.rs
//!     case_17_a_part_of_an_entry_is_no_entry
//! 18  SMTPUTF8 demanded without need
//!     src/protocol/outgoing.rs
//!     case_18_smtputf8_is_needed_only_if_something_is_beyond_ascii
//!     src/protocol/sending/tests.rs
//!     s7_smtputf8_is_said_when_needed_and_demanded_only_then
//! 19  EHLO refused, and no HELO; HELO's answer read as an offer
//!     src/protocol/sending/tests.rs
//!     case_19_helo_is_said_after_5xx_and_after_nothing_else_rfc_5321_3_2
//!     transcripts/clients/helo-only.txt
//!     transcripts/clients/helo-with-list.txt
//!     transcripts/clients/later-hello.txt
//! 20  answers of DNS that lie
//!     tests/dns.rs
//!     pointers_that_go_round_or_forward_and_lengths_that_lie_are_malformed
//!     no_single_bit_of_a_real_answer_does_harm
//!     no_truncation_of_a_real_answer_makes_another_answer
//! 21  answers of DNS that are forged
//!     tests/routing.rs
//!     forged_answers_are_dropped_while_the_right_one_is_awaited
//! 22  a bounce spoilt by what the other side says
//!     tests/bounce.rs
//!     whatever_a_reply_holds_it_stays_a_diagnostic
//!     a_bounce_stays_well_formed_whatever_comes_from_outside
//!     tests/queue.rs
//!     case_22_a_bounce_says_who_what_and_why
//! 23  loops: by our own MX, and between two servers
//!     tests/relay.rs
//!     case_23_mail_never_comes_back_to_us
//!     tests/routing.rs
//!     our_own_record_and_all_that_are_no_better_are_dropped
//!     tests/sending/ways.rs
//!     case_23_a_message_that_goes_in_a_circle_comes_to_an_end_with_one_bounce
//! 24  long lines in a header
//!     tests/agent.rs
//!     no_line_of_the_header_is_over_998_rfc_5322_2_1_1
//!     tests/peers/relay
//!     long-field
//! 25  encoded words, read and written
//!     src/agent/encoded.rs
//!     the_bytes_of_neighbours_are_joined_before_they_are_characters
//!     src/agent/fold.rs
//!     an_encoded_word_holds_whole_characters_and_75_of_ascii_at_most
//! 26  greylisting
//!     tests/relay.rs
//!     case_26_what_is_greylisted_arrives_later_once
//!     src/protocol/sending/tests.rs
//!     case_26_a_4xx_at_any_step_is_tried_again_rfc_5321_4_2_1
//!     transcripts/clients/greylisting.txt
//! 27  452 to the 101st recipient
//!     src/protocol/sending/tests.rs
//!     case_27_the_rest_comes_later_and_each_once_rfc_5321_4_5_3_1_10
//!     transcripts/clients/full-after-one.txt
//! 28  SIZE
//!     src/protocol/sending/tests.rs
//!     case_28_the_size_is_told_exactly_and_checked_before_mail_rfc_1870
//!     transcripts/clients/size.txt
//! 29  bytes above 127, and no 8BITMIME
//!     src/protocol/sending/tests.rs
//!     case_29_eight_bit_text_goes_only_where_8bitmime_is_offered
//!     tests/sending/ways.rs
//!     case_29_eight_bit_text_bounces_where_8bitmime_is_not_offered
//! 30  a reply in the middle of the text
//!     tests/courier.rs
//!     r1_and_case_30_a_refusal_in_the_middle_of_the_text_is_heard
//!     transcripts/clients/later-in-text.txt
//!     transcripts/clients/never-in-text.txt
//! 31  QUIT unanswered
//!     tests/courier.rs
//!     case_31_a_mail_is_delivered_although_quit_is_never_answered
//! 32  time-outs that are none
//!     tests/courier.rs
//!     case_32_a_silent_host_is_left_after_the_time_out_at_every_step
//!     case_32_a_reply_that_never_ends_does_not_move_the_deadline
//!     case_32_a_host_that_reads_too_slowly_is_left
//! 33  preference read as text, and no shuffle
//!     tests/routing.rs
//!     the_lowest_number_comes_first_and_9_is_lower_than_10
//!     hosts_of_one_preference_take_turns_and_the_worse_one_stays_last
//!     tests/lab/run
//!     order.example
//!     equal.example
//! 34  the domain's own address beside a dead MX
//!     tests/routing.rs
//!     a_domain_whose_mx_is_dead_never_gets_mail_at_its_own_address
//! 35  names that are made longer
//!     tests/routing.rs
//!     a_name_is_asked_for_as_it_is_and_nothing_is_added
//! 36  answers that are too long
//!     tests/routing.rs
//!     an_answer_that_is_too_long_is_fetched_by_tcp
//!     nonsense_by_tcp_is_trouble_for_now_and_tcp_is_tried_once
//!     tests/lab/run
//!     many.example
//! 37  the smart host is down, or has no address
//!     tests/relay.rs
//!     case_37_a_smart_host_that_is_down_delays_and_bounces_only_at_the_end
//!     tests/routing.rs
//!     mail_waits_for_a_smart_host_that_cannot_be_found
//! 38  flush
//!     tests/relay.rs
//!     case_38_a_flush_makes_all_due_once_and_is_seen_within_a_second
//!     tests/operator.rs
//!     case_38_a_flush_is_obeyed_by_the_server_or_waits_for_one_and_says_so
//! 39  two processes and one entry
//!     tests/queue.rs
//!     case_39_a_queue_in_use_is_refused_within_seconds_and_free_afterwards
//! 40  age from the wrong start, and lost at a restart
//!     tests/queue.rs
//!     case_40_times_tries_and_answers_survive_a_restart
//!     tests/relay.rs
//!     case_40_a_start_tries_what_is_due_and_nothing_else
//!     src/relay/schedule.rs
//!     the_last_try_is_at_the_age_of_giving_up_whatever_is_set
//! 41  no Message-ID or Date, or the same twice
//!     tests/send.rs
//!     every_message_has_a_date_and_a_message_id_of_its_own
//!     tests/agent.rs
//!     what_a_message_must_have_is_added_rfc_5322_3_6
//! 42  bare CR or LF on the wire
//!     src/protocol/outgoing.rs
//!     case_42_no_bare_cr_or_lf_and_no_lone_dot_leaves_rfc_5321_2_3_8
//!     tests/courier.rs
//!     case_42_a_text_with_a_bare_cr_is_refused_and_none_leaves
//! 43  commands that are sent early
//!     src/protocol/sending/tests.rs
//!     case_43_without_pipelining_each_command_waits_for_its_answer
//!     tests/courier.rs
//!     case_43_a_host_that_answers_before_it_is_asked_is_out_of_step
//! 44  CNAME
//!     tests/routing.rs
//!     an_alias_is_followed_at_the_domain_and_at_the_mail_host
//!     eight_aliases_are_followed_and_nine_are_too_many
//!     tests/lab/run
//!     alias.example
//! 45  a domain that looks like an address
//!     tests/routing.rs
//!     a_domain_that_looks_like_an_address_does_not_exist_and_nobody_is_asked
//! 46  source routes
//!     tests/sending/ways.rs
//!     case_46_source_routes_are_taken_off
//!     tests/sending/relaying.rs
//!     with_a_queue_no_form_is_relayed_for_a_client_that_may_not
//! 47  very many MX hosts
//!     tests/courier.rs
//!     case_47_no_more_than_five_addresses_are_tried
//!     tests/routing.rs
//!     of_a_thousand_mail_hosts_and_of_a_thousand_addresses_five_are_tried
//! 48  recipients here and elsewhere
//!     tests/sending/ways.rs
//!     case_48_of_one_message_a_copy_stays_here_and_another_one_goes_there
//!     tests/sending/disk.rs
//!     at_each_step_of_accepting_no_room_is_told_and_leaves_nothing
//! 49  Received tells who else has it
//!     tests/sending/ways.rs
//!     case_48_of_one_message_a_copy_stays_here_and_another_one_goes_there
//! 50  large mailboxes
//!     tests/inbox.rs
//!     a_list_of_20_000_messages_is_one_pass_in_little_memory
//!     only_plain_files_are_messages
//! ```

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

mod support;

#[path = "sending/crash.rs"]
mod crash;
#[path = "sending/disk.rs"]
mod disk;
#[path = "sending/office.rs"]
mod office;
#[path = "sending/pages.rs"]
mod pages;
#[path = "sending/relaying.rs"]
mod relaying;
#[path = "sending/ways.rs"]
mod ways;

use std::fs;
use std::path::Path;

#[test]
fn every_case_is_tested_where_the_table_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = include_str!("sending.rs").split("```").nth(1).unwrap();
    // After the line of a case: a file, then what is in it.
    let (mut cases, mut path, mut file) = (0, "", String::new());
    for line in table.lines().filter_map(|line| line.strip_prefix("//! ")) {
        let Some((number, words)) = line.split_at_checked(4) else { continue };
        if let Ok(number) = number.trim().parse::<usize>() {
            cases += 1;
            assert_eq!(number, cases);
        } else if words.contains('/') {
            path = words;
            file = fs::read_to_string(root.join(path)).expect(path);
        } else {
            let name = match path.ends_with(".rs") {
                true => format!("fn {words}("),
                false => words.to_owned(),
            };
            assert!(file.contains(&name), "no {words} in {path}");
        }
    }
    assert_eq!(cases, 50);
}
