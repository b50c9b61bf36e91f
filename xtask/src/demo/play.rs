//! What to do with a demo that stays up: commands that can be pasted as they are.

use anyhow::Result;

use super::{flow::Flow, records, stage::Stage, terminal::Terminal};

/// Pushes `record.json`; `api` is defined by what is printed first.
const PUSH: &str = "api $API/v1/links/zj.nbufe/operations/record.push-one -d @$DIR/record.json";

/// Prints the commands.
pub(super) fn invite(stage: &Stage, out: &Terminal) -> Result<()> {
    stage.site.write("record.json", records::ONE)?;
    let dir = stage.site.path("");
    let dir = dir.display().to_string();
    let dir = dir.trim_end_matches('/');
    println!("\nIt stays up until ctrl-c. In another terminal:");
    out.remark("where everything is");
    println!("export API={} ADMIN={} SIM={}", stage.host.api, stage.host.admin, stage.simulator(Flow::ZjGxsz)?);
    println!("export KEY={} DIR={dir}", stage.site.key);
    println!(
        "api() {{ curl -s -w '\\n' -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \"$@\"; }}"
    );
    out.remark("push a record (edit $DIR/record.json and push it again: it overwrites)");
    println!("{PUSH}");
    out.remark("what the upstream decrypted, and everything it was asked");
    println!("curl -s $SIM/_sim/records/DEMO-ONE-1; echo; curl -s $SIM/_sim/journal; echo");
    for (remark, fault) in [
        ("the upstream is down for the next push: class unavailable, not retried by the host", "status=503"),
        ("the next push is processed and the connection reset before the answer: outcome unknown", "reset-after"),
        ("the next push takes 3 s", "latency=3000"),
    ] {
        out.remark(remark);
        println!(
            "curl -s $SIM/_sim/faults -d '[{{\"fault\":\"{fault}\",\"operation\":\"record.push-one\",\"times\":1}}]'; echo\n{PUSH}"
        );
    }
    out.remark("all tokens are revoked: the next push gets a new one and is sent again (\"attempt\":2)");
    println!("curl -s -X POST $SIM/_sim/tokens/revoke; echo\n{PUSH}");
    out.remark("break the link's file: it is refused with file, line and key, and serves on as before");
    println!(
        "sed -i '1i colour = \"blue\"' $DIR/links.d/zj/_defaults.toml; sleep 1; grep refused $DIR/host.log\n{PUSH}"
    );
    out.remark("and mend it");
    println!("sed -i 1d $DIR/links.d/zj/_defaults.toml");
    out.remark("what a platform can find out by itself");
    println!("api $API/v1/links/{}; api $API/openapi.json", Flow::ZjGxsz.link());
    out.remark("what an operator sees");
    println!("curl -s $ADMIN/readyz; curl -s $ADMIN/metrics; tail -f $DIR/host.log");
    Ok(())
}
