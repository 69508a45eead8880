/** What people may want to do with a job, as commands: this page itself changes nothing. */

import { useState } from "react";

import type { JobDetail } from "../generated";
import { Button, copyText, CopyIcon, DoneIcon, Menu } from "../kit";
import { isFinal } from "../text/words";
import css from "./CopyAs.module.css";

export function CopyAs({ job }: { job: JobDetail }) {
  const [done, setDone] = useState("");
  const commands = [
    `moka get ${job.id}`,
    `moka logs -f ${job.id}`,
    ...(isFinal(job.state) ? [] : [`moka cancel ${job.id}`]),
    `curl -s -H "Authorization: Bearer $MOKA_TOKEN" '${(job.links["archer"] ?? "").replaceAll("'", "%27")}'`,
  ];
  return (
    <Menu position="bottom-end" shadow="sm" closeOnItemClick={false} onClose={() => setDone("")}>
      <Menu.Target>
        <Button variant="default" size="compact-md" leftSection={<CopyIcon />}>
          Copy as
        </Button>
      </Menu.Target>
      <Menu.Dropdown className={css.menu}>
        {commands.map((command) => (
          <Menu.Item
            key={command}
            onClick={() => void copyText(command).then(() => setDone(command))}
            rightSection={done === command ? <DoneIcon /> : null}
          >
            <code>{command}</code>
          </Menu.Item>
        ))}
        <Menu.Label>This page only reads; commands act.</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
