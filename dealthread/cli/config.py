"""`dealthread config`: finance's configuration, checked and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.context import Surroundings
from dealthread.cli.failures import PROBLEM
from dealthread.config import check_config, load_config

config = typer.Typer(help="Finance's configuration.", no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]",
        help="The folder; otherwise DEALTHREAD_CONFIG_DIR, else the stack's, else config/.",
        show_default=False,
    ),
]


@config.command()
def check(folder: Folder = None) -> None:
    """Check the files as one. Each problem is a line: file, path, value, what to do."""
    directory = folder or Surroundings.here().config_dir()
    problems = check_config(directory)
    for problem in problems:
        output.say(str(problem))
    if problems:
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        output.complain(f"{count} in {directory}: nothing of it is used until they are mended")
        raise typer.Exit(PROBLEM)
    output.say(f"{directory} is in order, version {load_config(directory).version}")


@config.command()
def show(
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show who sells, through which billing account, which products are mapped to what."""
    directory = folder or Surroundings.here().config_dir()
    found = load_config(directory)
    if as_json:
        output.raw(found.model_dump_json(indent=2))
        return
    output.facts([("folder", directory), ("version", found.version)])
    output.say()
    output.table(
        ("seller", "name", "region", "currency", "ERP", "company", "booking", "revenue"),
        (
            (
                entity.code,
                entity.legal_name,
                entity.region,
                entity.functional_currency,
                entity.erp_instance,
                entity.erp_company,
                entity.booking_policy,
                " ".join(entity.revenue_engine),
            )
            for entity in found.legal_entities
        ),
        empty="no legal entity",
    )
    output.say()
    output.table(
        ("billing account", "seller", "system", "currencies"),
        (
            (account.key, account.seller, account.system, " ".join(account.currencies))
            for account in found.billing_accounts
        ),
        empty="no billing account",
    )
    output.say()
    output.table(
        ("product", "name", "kind", "from", "to before", "biller", "ERP item"),
        (
            (
                product.code,
                product.name,
                product.kind,
                product.valid_from,
                product.valid_until or "",
                product.billing_product,
                product.erp_item,
            )
            for product in found.products
        ),
        empty="no product",
    )
