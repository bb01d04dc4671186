"""The slow, obvious twin of the cross-match: every base row against every other row, in plain loops."""

import math

import numpy as np

SAME_POSITION_ARCSEC = 0.2


def rows_of(side):
    """The rows of a side as dictionaries; unknown identifiers are None, unknown numbers NaN."""
    rows = []
    for k in range(len(side)):
        row = {}
        for name in ("obsid", "gaia_dr3", "gaia_dr2"):
            column = getattr(side, name)
            row[name] = int(column[k]) if column is not None and column[k] > 0 else None
        for name in ("ra", "dec", "pmra", "pmdec"):
            column = getattr(side, name)
            row[name] = float(column[k]) if column is not None else math.nan
        row["epoch"] = float(np.broadcast_to(side.epoch_yr, len(side))[k])
        rows.append(row)
    return rows


def moves(row):
    return all(math.isfinite(row[name]) for name in ("ra", "dec", "pmra", "pmdec", "epoch"))


def direction(row):
    ra, dec = math.radians(row["ra"]), math.radians(row["dec"])
    return np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])


def direction_after(row, years):
    """Rodrigues' rotation about the axis that is normal to the position and to the motion, by the angle travelled."""
    ra = math.radians(row["ra"])
    start, speed = direction(row), math.hypot(row["pmra"], row["pmdec"])
    if speed * years == 0.0:
        return start
    east = np.array([-math.sin(ra), math.cos(ra), 0.0])
    heading = (row["pmra"] * east + row["pmdec"] * np.cross(start, east)) / speed
    axis = np.cross(start, heading)
    angle = math.atan(math.radians(speed * years / 3.6e6))
    return start * math.cos(angle) + np.cross(axis, start) * math.sin(angle)


def angle_arcsec(here, there):
    return math.degrees(math.atan2(np.linalg.norm(np.cross(here, there)), float(here @ there))) * 3600.0


def separation(mine, theirs):
    """Angle in arcsec at a common epoch; NaN without two positions."""
    if not all(math.isfinite(row[name]) for row in (mine, theirs) for name in ("ra", "dec")):
        return math.nan
    years = theirs["epoch"] - mine["epoch"]
    if moves(mine) and math.isfinite(years):
        return angle_arcsec(direction_after(mine, years), direction(theirs))
    if moves(theirs) and math.isfinite(years):
        return angle_arcsec(direction(mine), direction_after(theirs, -years))
    return angle_arcsec(direction(mine), direction(theirs))


def differ(first, second):
    for name in ("gaia_dr3", "gaia_dr2"):
        if first[name] is not None and second[name] is not None:
            return first[name] != second[name]
    return False


def same_star(first, second):
    if differ(first, second):
        return False
    if any(first[name] is not None and first[name] == second[name] for name in ("gaia_dr3", "gaia_dr2")):
        return True
    here, there = direction(first), direction(second)
    return all(np.isfinite(here)) and all(np.isfinite(there)) and angle_arcsec(here, there) <= SAME_POSITION_ARCSEC


def preference(preferred, j):
    """A sort key: the higher the preference, the smaller; NaN last."""
    if preferred is None:
        return (0, 0.0)
    return (1, 0.0) if math.isnan(preferred[j]) else (0, -preferred[j])


def slow_match(base, other, *, method="best", radius_arcsec=1.5, preferred=None):
    """For each base row: row of the other table or -1, separation, candidates, method; and the summary."""
    mine, theirs = rows_of(base), rows_of(other)
    steps = {"obsid": ["obsid"], "gaia": ["gaia_dr3", "gaia_dr2"], "sky": ["sky"]}
    order = steps["obsid"] + steps["gaia"] + steps["sky"] if method == "best" else steps[method]
    found, excluded, ambiguous, duplicates = {}, 0, set(), set()
    for i, star in enumerate(mine):
        for step in order:
            if step == "sky":
                near = [j for j, row in enumerate(theirs) if separation(star, row) <= radius_arcsec]
            else:
                near = [j for j, row in enumerate(theirs) if star[step] is not None and star[step] == row[step]]
            allowed = []
            for j in near:
                wrong = step != "obsid" and differ(star, theirs[j])
                if method == "best" and step != "obsid" and None not in (star["obsid"], theirs[j]["obsid"]):
                    wrong = wrong or star["obsid"] != theirs[j]["obsid"]
                excluded += wrong
                allowed += [] if wrong else [j]
            if not allowed:
                continue
            far = {j: separation(star, theirs[j]) for j in allowed}
            far = {j: math.inf if math.isnan(value) else value for j, value in far.items()}
            repeats = allowed
            if step == "sky":
                nearest = min(allowed, key=lambda j: (far[j], j))
                repeats = [j for j in allowed if j == nearest or same_star(theirs[j], theirs[nearest])]
            best = min(repeats, key=lambda j: (preference(preferred, j), far[j], j))
            ambiguous |= {i} if len(repeats) < len(allowed) else set()
            duplicates |= {i} if len(repeats) > 1 else set()
            found[i] = [best, separation(star, theirs[best]), len(allowed), step.split("_")[0]]
            break
    candidates = [found[i][2] if i in found else 0 for i in range(len(mine))]
    lost = [i for j in range(len(theirs)) for i in losers(mine, found, j)]
    for i in lost:
        del found[i]
    methods = [found[i][3] if i in found else "" for i in range(len(mine))]
    summary = {
        "rows": len(mine),
        "other_rows": len(theirs),
        "unmatched": methods.count(""),
        **{name: methods.count(name) for name in ("obsid", "gaia", "sky")},
        "ambiguous": len(ambiguous & set(found)),
        "duplicates": len(duplicates & set(found)),
        "excluded": excluded,
        "contested": len(lost),
    }
    rows = [found[i][0] if i in found else -1 for i in range(len(mine))]
    return rows, [found[i][1] if i in found else math.nan for i in range(len(mine))], candidates, methods, summary


def losers(mine, found, j):
    """Base rows that lose row j to a nearer star with another identifier."""
    claims = [(item[3] == "sky", item[1], i) for i, item in found.items() if item[0] == j]
    claims.sort(key=lambda claim: (claim[0], claim[0] and claim[1], claim[2]))
    keep, lost = [], []
    for on_sky, _, i in claims:
        loses = on_sky and any(differ(mine[i], mine[k]) for k in keep)
        (lost if loses else keep).append(i)
    return lost
