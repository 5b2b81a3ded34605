"""What the worker can be asked: one line for each method."""

from __future__ import annotations

from collections.abc import Mapping

# Name: "module:function", called by the worker. Parameters are converted to the types they are annotated with, and
# the result to the one of `return`; a parameter named `progress` or `cancel` is given by the worker. The window
# imports the module too, for that type, so what is heavy is imported inside of functions.
METHODS: Mapping[str, str] = {
    "library.scan": "q8chat.jobs.library_calls:scan_chosen",
    "library.known_folders": "q8chat.library.sources:known_folders",
    "library.details": "q8chat.library.details:details",
    "library.verify": "q8chat.library.verify:verify",
    "library.rename": "q8chat.library.change:rename",
    "library.delete": "q8chat.library.change:delete",
    "library.note_used": "q8chat.library.usage:note_used",
    "library.needs": "q8chat.jobs.memory_calls:needs",
    "library.memory": "q8chat.jobs.memory_calls:report",
    "hub.search": "q8chat.hub.search:search",
    "hub.repo_page": "q8chat.hub.repo:repo_page",
    "hub.resolve": "q8chat.hub.resolve:resolve",
    "hub.repo_needs": "q8chat.jobs.repo_calls:repo_needs",
    "hub.access": "q8chat.jobs.access_calls:access",
    "hub.store_token": "q8chat.jobs.access_calls:store_token",
    "hub.fit": "q8chat.jobs.hub_calls:fit",
    "convert.inspect": "q8chat.jobs.convert_calls:inspect",
    "convert.levels": "q8chat.jobs.convert_calls:levels",
    "convert.checkpoints": "q8chat.jobs.convert_calls:checkpoints",
    "convert.repo_checkpoint": "q8chat.jobs.convert_calls:repo_checkpoint",
    "convert.place": "q8chat.jobs.convert_calls:place",
}
