"""Mean NDVI of an area in a year, as one Wherobots job run computes it.

The placeholders of ndvi.toml become the arguments. On your own machine, ``python ndvi.py --help`` works without Spark.
"""

import argparse


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The arguments of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", required=True, help="name of the area")
    parser.add_argument("--year", required=True, type=int)
    parser.add_argument("--out", required=True, help="where to write the result")
    return parser.parse_args(arguments)


def main() -> None:
    """Read the bands, compute the index, write one row."""
    wanted = parse()
    from sedona.spark import SedonaContext  # only where it is installed: on the cluster

    sedona = SedonaContext.create(SedonaContext.builder().getOrCreate())
    bands = sedona.table("org_catalog.imagery.sentinel2").where(f"area = '{wanted.area}' AND year = {wanted.year}")
    ndvi = bands.selectExpr("avg((nir - red) / (nir + red)) AS ndvi")
    ndvi.write.mode("overwrite").parquet(f"{wanted.out}/area={wanted.area}/year={wanted.year}")


if __name__ == "__main__":
    main()
