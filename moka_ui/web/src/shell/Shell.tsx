/** What stands around every page: name, places, search, light and dark. */

import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { ActionIcon, KeyboardIcon, Modal } from "../kit";
import css from "./Shell.module.css";
import { SchemeSwitch } from "./SchemeSwitch";
import { Search } from "./Search";
import { LISTED, useShortcuts } from "./shortcuts";

export function Shell() {
  const navigate = useNavigate();
  const [listing, setListing] = useState(false);
  useShortcuts({
    "?": () => setListing(true),
    "g j": () => void navigate({ to: "/" }),
    "g c": () => void navigate({ to: "/clusters" }),
    "g q": () => void navigate({ to: "/queues" }),
  });
  return (
    <>
      <a className={css.skip} href="#content">
        Skip to the content
      </a>
      <header className={css.bar}>
        <div className={css.inner}>
          <Link to="/" className={css.name} aria-label="Moka, all jobs">
            <img src="/mark.svg" width="22" height="22" alt="" />
            <span>Moka</span>
          </Link>
          <nav className={css.places} aria-label="Places">
            <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>
              Jobs
            </Link>
            <Link to="/clusters">Clusters</Link>
            <Link to="/queues">Queues</Link>
          </nav>
          <Search />
          <div className={css.tools}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Keyboard shortcuts"
              title="Keyboard shortcuts (?)"
              onClick={() => setListing(true)}
              visibleFrom="sm"
            >
              <KeyboardIcon />
            </ActionIcon>
            <SchemeSwitch />
          </div>
        </div>
      </header>
      <main id="content" className={css.content} tabIndex={-1}>
        <Outlet />
      </main>
      <Modal opened={listing} onClose={() => setListing(false)} title="Keyboard shortcuts" size="md">
        <dl className={css.keys}>
          {LISTED.map(([keys, meaning]) => (
            <div key={keys}>
              <dt>
                {keys.split(" ").filter(Boolean).map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </Modal>
    </>
  );
}
