"""One task for each cluster, started and ended as clusters come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from archer.clusters.port import Cluster
from archer.site.present import Site, Sites


async def each_cluster(
    sites: Sites,
    run: Callable[[Site, str, asyncio.Event], Awaitable[None]],
    *,
    stop: asyncio.Event,
) -> None:
    """Run *run* for each followed cluster in a task of its own until *stop* is set.

    A change starts, replaces or ends the tasks of the clusters that changed; the others go on undisturbed.
    """
    going: dict[str, tuple[Cluster, asyncio.Event]] = {}
    tasks: set[asyncio.Future[None]] = set()
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            site = sites.current
            for name, (cluster, ending) in list(going.items()):
                if site.clusters.get(name) is not cluster:
                    ending.set()  # it ends in its own time; two at once do no harm
                    del going[name]
            for name in site.clusters.keys() - going.keys():
                ending = asyncio.Event()
                going[name] = (site.clusters[name], ending)
                tasks.add(asyncio.ensure_future(run(site, name, ending)))
            changed = asyncio.ensure_future(sites.after(site))
            await asyncio.wait({*tasks, changed, stopping}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            for task in [task for task in tasks if task.done()]:
                tasks.remove(task)
                task.result()  # a task that broke breaks the process: it is started anew
    finally:
        stopping.cancel()
        for _, ending in going.values():
            ending.set()
        await asyncio.gather(*tasks)
