//! What to do with a demo that stays up: commands that can be pasted as they are.

use anyhow::Result;

use super::{
    records,
    stage::{LINK, Stage},
    terminal::Terminal,
};

/// Prints the commands.
pub(super) fn invite(stage: &Stage, out: &Terminal) -> Result<()> {
    stage.site.write("record.json", records::ONE)?;
    let dir = stage.site.path("");
    let dir = dir.display().to_string();
    let dir = dir.trim_end_matches('/');
    println!("\nIt stays up until ctrl-c. In another terminal:");
    out.remark("where everything is");
    println!("export API={} ADMIN={} SIM={}", stage.host.api, stage.host.admin, stage.simulator);
    println!("export KEY={} DIR={dir}", stage.site.key);
    out.remark("push a record (edit $DIR/record.json and push it again: it overwrites)");
    println!("{}", push("record.push-one"));
    out.remark("what the upstream decrypted, and everything it was asked");
    println!("curl -s $SIM/_sim/records/DEMO-ONE-1; curl -s $SIM/_sim/journal");
    for (remark, fault) in [
        ("the upstream is down for the next push: class unavailable, not retried by the host", "status=503"),
        ("the next push is processed and the connection reset before the answer: outcome unknown", "reset-after"),
        ("the next push takes 3 s", "latency=3000"),
    ] {
        out.remark(remark);
        println!(
            "curl -s --json '[{{\"fault\":\"{fault}\",\"operation\":\"record.push-one\",\"times\":1}}]' $SIM/_sim/faults\n{}",
            push("record.push-one")
        );
    }
    out.remark("all tokens are revoked: the next push gets a new one and is sent again (\"attempt\":2)");
    println!("curl -s -X POST $SIM/_sim/tokens/revoke\n{}", push("record.push-one"));
    out.remark("break the link's file: it is refused with file, line and key, and serves on as before");
    println!(
        "sed -i '1i colour = \"blue\"' $DIR/links.d/zj/_defaults.toml; sleep 1; grep refused $DIR/host.log\n{}",
        push("record.push-one")
    );
    out.remark("and mend it");
    println!("sed -i 1d $DIR/links.d/zj/_defaults.toml");
    out.remark("what a platform can find out by itself");
    println!("curl -s -H \"Authorization: Bearer $KEY\" $API/v1/links/{LINK}");
    println!("curl -s -H \"Authorization: Bearer $KEY\" $API/openapi.json");
    out.remark("what an operator sees");
    println!("curl -s $ADMIN/readyz; curl -s $ADMIN/metrics; tail -f $DIR/host.log");
    Ok(())
}

fn push(operation: &str) -> String {
    format!(
        "curl -s -H \"Authorization: Bearer $KEY\" --json @$DIR/record.json $API/v1/links/{LINK}/operations/{operation}"
    )
}
