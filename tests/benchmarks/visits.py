"""Visits to a dashboard without a browser: Streamlit's own messages over a websocket."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


@dataclass
class Visit:
    """One visit: opens a page, then asks for its polling fragments again as often as they want.

    Attributes:
        opened: seconds from asking for the page to its end.
        arrived: the moment when the page was there.
        polls: when a fragment was asked for, and the seconds to its end.
        failures: what the page told of exceptions.
    """

    address: str
    query: str
    page: str
    opened: float = 0.0
    arrived: float = 0.0
    polls: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def look(self, seconds: float) -> None:
        """Open the page and stay for so long."""
        url = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        async with websockets.connect(url, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
            begun = time.perf_counter()
            await socket.send(_rerun(self.query, self.page))
            wanted = await self._until_finished(socket)
            self.arrived = time.perf_counter()
            self.opened = self.arrived - begun
            await self._poll(socket, wanted, seconds)

    async def _poll(self, socket: Any, wanted: dict[str, float], seconds: float) -> None:
        """Ask for each fragment when its time has come; the next is asked for once the last has been answered."""
        end = time.perf_counter() + seconds
        due = dict.fromkeys(wanted, time.perf_counter())
        due = {name: moment + wanted[name] for name, moment in due.items()}
        while due and time.perf_counter() < end:
            name = min(due, key=lambda each: due[each])
            await asyncio.sleep(max(0.0, due[name] - time.perf_counter()))
            asked = time.perf_counter()
            await socket.send(_rerun(self.query, self.page, name))
            await self._until_finished(socket)
            self.polls.append((asked, time.perf_counter() - asked))
            due[name] = asked + wanted[name]

    async def _until_finished(self, socket: Any) -> dict[str, float]:
        """Read until the script has ended; returns the fragments that want to be asked for again, with seconds."""
        wanted: dict[str, float] = {}
        while True:
            message = ForwardMsg()
            message.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
            kind = message.WhichOneof("type")
            if kind == "auto_rerun":
                wanted[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                self.failures.append(message.delta.new_element.exception.message)
            elif kind == "script_finished":
                return wanted


def _rerun(query: str, page: str, fragment: str = "") -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    if fragment:
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = True
    message.rerun_script.context_info.locale = "en-GB"
    return message.SerializeToString()


def together(visits: list[Visit], seconds: float) -> None:
    """All visits at once, each for so long; they come one after the other within a second."""

    async def begin() -> None:
        async def late(visit: Visit, delay: float) -> None:
            await asyncio.sleep(delay)
            await visit.look(seconds)

        await asyncio.gather(*(late(visit, i / len(visits)) for i, visit in enumerate(visits)))

    asyncio.run(begin())


def watching(visits: list[Visit]) -> list[float]:
    """Seconds of every poll from the moment on when all visits had their page."""
    everyone = max(visit.arrived for visit in visits)
    return [seconds for visit in visits for asked, seconds in visit.polls if asked > everyone]
