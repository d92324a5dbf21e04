"""Makes offline data in `lbforaging` and `rware`, and plays policies there.

It answers one line of JSON per line (`startPeer` of peers.js). Questions:

    {"make": FILE, "environment": NAME, "recipe": NAME, "seed": 1}
        writes a table of transitions; answers {"rows", "states", "returns": one per episode}
    {"play": FILE, "data": FILE, "environment": NAME, "seed": 1, "episodes": 20}
        plays the policies in the params of a run that learnt from the table `data`; answers
        {"returns", "steps", "unseen", "unknown"}, see `play`

The table has the columns state, first, second, reward, next and episode. A state is a number, see
`code` of each environment; -1 is the end. The seed draws the board and what happens on it.
"""

import bisect
import csv
import itertools
import json
import sys

import gymnasium
import lbforaging  # noqa: F401 registers its environments
import numpy
import rware  # noqa: F401 registers its environments
from safetensors.numpy import load_file

END = -1


class Foraging:
    """lbforaging's 5×5 board. Two robots must stand next to one of two foods and load it together.

    The board is the same in all episodes of a seed, so that its states can be counted: the cells of
    both robots and the foods that are left. The reward of all food is 1.
    """

    name = "Foraging-5x5-2p-2f-coop-v3"
    actions = 6
    #: Steps of a data set.
    steps = 1000
    #: Fewest moves until both robots can be at a food.
    nearest = 3
    none, load = 0, 5
    moves = {1: (-1, 0), 2: (1, 0), 3: (0, -1), 4: (0, 1)}

    def __init__(self, seed):
        self.env = gymnasium.make(self.name, disable_env_checker=True).unwrapped
        self.neighbours = list_neighbours(self.env.rows, self.env.cols, self.moves)
        self.board = next(filter(self._is_good_board, itertools.count(1000 * seed)))

    def reset(self, rng):
        """Puts robots and foods on their places; the script draws a food when it needs one."""
        self._set_up(self.board)
        self.target = None

    def _set_up(self, board):
        # `reset` places no robot where one stood before, so a seed would have several boards.
        for player in self.env.players:
            player.position = None
        self.env.reset(seed=board)
        self.foods = sorted(map(tuple, numpy.argwhere(self.env.field).tolist()))

    def _is_good_board(self, board):
        """Tells whether there are two foods, of which none is near both robots."""
        self._set_up(board)
        moves = (
            max(sum(abs(a - b) for a, b in zip(player.position, food, strict=True)) - 1
                for player in self.env.players)
            for food in self.foods
        )
        return len(self.foods) == 2 and min(moves) >= self.nearest

    def code(self):
        """Numbers the state."""
        first, second = (int(p.position[0]) * 5 + int(p.position[1]) for p in self.env.players)
        left = sum(1 << k for k, food in enumerate(self.foods) if self.env.field[food])
        return (first * 25 + second) * 4 + left if left else END

    def step(self, actions):
        """Returns the reward of both robots, and whether the episode is over."""
        _, rewards, done, _, _ = self.env.step(actions)
        return float(sum(rewards)), done

    def script(self, rng):
        """Both robots go to a food that is drawn for them, one waits for the other, and they load."""
        left = [food for food in self.foods if self.env.field[food]]
        if self.target not in left:
            self.target = left[rng.integers(len(left))]
        cells = [tuple(map(int, player.position)) for player in self.env.players]
        steps = [self._steps(*pair) for pair in (cells, cells[::-1])]
        if steps == [[], []]:
            return [self.load, self.load]
        return [some[rng.integers(len(some))] if some else self.none for some in steps]

    def _steps(self, here, other):
        """Lists the moves that lead nearer to the target; none next to it."""
        foods = {food for food in self.foods if self.env.field[food]}
        for blocked in (foods | {other}, foods):
            ends = [cell for cell in self.neighbours[self.target].values() if cell not in blocked]
            distance = spread(ends, blocked, self.neighbours)
            if here in distance:
                return [
                    move
                    for move, cell in self.neighbours[here].items()
                    if distance.get(cell, numpy.inf) < distance[here]
                ]
        return []


class Warehouse:
    """rware's smallest warehouse, 11×10 cells. Two robots bring requested shelves to a goal.

    Its states are far too many for a table, so `code` keeps what a driver with a compass sees.
    """

    name = "rware-tiny-2ag-v2"
    actions = 5
    steps = 5000
    none, forward, left, right, toggle = range(5)
    #: Directions clockwise from up, as (row, column); rware numbers them 0, 3, 1, 2.
    clockwise = {0: (-1, 0), 1: (0, 1), 2: (1, 0), 3: (0, -1)}
    heading = {0: 0, 3: 1, 1: 2, 2: 3}
    #: Where a compass points: ahead, left, right, behind, or here.
    turns = (0, 3, 1, 2)
    here = 4
    #: Robots that are at most so many cells apart look for a way past each other.
    nearby = 3
    seek, carry, bring_back = range(3)

    def __init__(self, seed):
        self.env = gymnasium.make(self.name, disable_env_checker=True).unwrapped
        self.neighbours = list_neighbours(*self.env.grid_size, self.clockwise)
        self.places = set(map(tuple, numpy.argwhere(self.env.highways == 0).tolist()))
        self.goals = [(int(y), int(x)) for x, y in self.env.goals]
        self.seed = seed

    def reset(self, rng):
        """Draws places and requests."""
        self.env.reset(seed=int(rng.integers(2**31)))
        self.swap = self.waiting = None
        self._look()

    def step(self, actions):
        """Returns the number of deliveries, and whether the episode is over."""
        _, rewards, done, _, _ = self.env.step(actions)
        self._look()
        return float(sum(rewards)), done

    def code(self):
        """Numbers what both robots see.

        A robot looks for a shelf, carries a requested one, or brings one back. Its compass points
        along the shortest way past standing shelves and a robot nearby: to the nearest goal, free
        place or requested shelf, and to both requested shelves while both robots look for one. The
        robots also see if they are in each other's way.
        """
        if len(self.compasses[0]) == 2:
            views = [first * 5 + second for first, second in self.compasses]
        else:
            views = [
                25 + stage * 5 + compass
                for stage, (compass,) in zip(self.stages, self.compasses, strict=True)
            ]
        return (views[0] * 40 + views[1]) * 2 + self.in_the_way

    def script(self, rng):
        """Both robots follow their compasses.

        It is drawn who fetches which of two shelves, and, of two robots in each other's way, which
        one waits until the other has passed.
        """
        both_seek = len(self.compasses[0]) == 2
        self.swap = keep_or_draw(self.swap, both_seek, rng)
        self.waiting = keep_or_draw(self.waiting, self.in_the_way, rng)
        return [
            self.none
            if robot == self.waiting
            else self._follow(pair[(self.swap + robot) % 2] if both_seek else pair[0])
            for robot, pair in enumerate(self.compasses)
        ]

    def _follow(self, compass):
        if compass == self.here:
            return self.toggle
        # Behind is two turns away.
        return (self.forward, self.left, self.right, self.right)[compass]

    def _look(self):
        env = self.env
        self.stages = [self._stage(agent) for agent in env.agents]
        carried = [agent.carrying_shelf for agent in env.agents]
        wanted = sorted(cell_of(shelf) for shelf in env.request_queue if shelf not in carried)
        standing = {cell_of(shelf) for shelf in env.shelfs if shelf not in carried}
        both_seek = self.stages == [self.seek, self.seek]
        cells = [cell_of(agent) for agent in env.agents]
        are_near = sum(abs(a - b) for a, b in zip(*cells, strict=True)) <= self.nearby
        self.compasses = []
        self.in_the_way = are_near
        for agent, stage, other in zip(env.agents, self.stages, cells[::-1], strict=True):
            targets = {
                self.seek: wanted,
                self.carry: self.goals,
                self.bring_back: self.places - standing,
            }[stage]
            groups = [[target] for target in targets] if both_seek else [targets]
            blocked = set() if stage == self.seek else standing
            straight = [self._compass(agent, group, blocked) for group in groups]
            past = straight
            if are_near:
                past = [
                    self._compass(agent, group, blocked | {other}, otherwise)
                    for group, otherwise in zip(groups, straight, strict=True)
                ]
            self.compasses.append(past)
            self.in_the_way &= past != straight

    def _stage(self, agent):
        if agent.carrying_shelf is None:
            return self.seek
        return self.carry if agent.carrying_shelf in self.env.request_queue else self.bring_back

    def _compass(self, agent, targets, blocked, otherwise=0):
        """Points along a shortest way, or as before if there is none."""
        here = cell_of(agent)
        if here in targets:
            return self.here
        distance = spread([t for t in targets if t not in blocked], blocked, self.neighbours)
        ahead = self.heading[agent.dir.value]
        ways = [
            distance.get(self.neighbours[here].get((ahead + turn) % 4), numpy.inf)
            for turn in self.turns
        ]
        return ways.index(min(ways)) if min(ways) < numpy.inf else otherwise


environments = {"foraging": Foraging, "warehouse": Warehouse}

#: By name of the recipe: the shares of random actions, each for the same number of episodes.
recipes = {"expert": [0.0], "mixed": [0.0, 0.5], "poor": [0.8]}


def cell_of(thing):
    """Returns row and column of an agent or a shelf in a warehouse."""
    return int(thing.y), int(thing.x)


def keep_or_draw(choice, is_needed, rng):
    """Draws 0 or 1 when a choice is needed, and keeps it as long as it is."""
    if not is_needed:
        return None
    return int(rng.integers(2)) if choice is None else choice


def list_neighbours(rows, columns, directions):
    """Returns the neighbours of each cell by direction, which is a step (down, right)."""
    cells = list(itertools.product(range(rows), range(columns)))
    around = {
        (row, column): {
            name: (row + down, column + right) for name, (down, right) in directions.items()
        }
        for row, column in cells
    }
    return {
        cell: {name: other for name, other in others.items() if other in around}
        for cell, others in around.items()
    }


def spread(ends, blocked, neighbours):
    """Returns the number of steps to the nearest end, by cell from which one can be reached."""
    distance = dict.fromkeys(ends, 0)
    border = list(distance)
    for cell in border:
        for neighbour in neighbours[cell].values():
            if neighbour not in distance and neighbour not in blocked:
                distance[neighbour] = distance[cell] + 1
                border.append(neighbour)
    return distance


def run_episode(environment, rng, act):
    """Yields (state, actions, reward, next state) until the episode is over."""
    environment.reset(rng)
    state, done = environment.code(), False
    while not done:
        actions = act(state)
        reward, done = environment.step(actions)
        following = environment.code()
        yield state, actions, reward, following
        state = following


def make(environment, recipe, rng):
    """Plays the script; each action of each robot is random with the recipe's share.

    Returns one list of transitions per episode, which is the last once there are enough steps.
    """
    def act(share):
        return [
            int(rng.integers(environment.actions)) if rng.random() < share else action
            for action in environment.script(rng)
        ]

    shares = recipes[recipe]
    episodes = []
    for share in shares:
        left = environment.steps / len(shares)
        while left > 0:
            steps = list(run_episode(environment, rng, lambda _, share=share: act(share)))
            episodes.append(steps)
            left -= len(steps)
    return episodes


def drop_dead_ends(episodes):
    """Drops steps into states that no step starts from: play ended there when time was over."""
    while True:
        known = {state for steps in episodes for state, *_ in steps} | {END}
        kept = [[step for step in steps if step[3] in known] for steps in episodes]
        if kept == episodes:
            return episodes
        episodes = kept


def write(file, episodes):
    """Writes a table with a row per step."""
    with open(file, "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["state", "first", "second", "reward", "next", "episode"])
        for episode, steps in enumerate(episodes):
            for state, actions, reward, following in steps:
                rows.writerow([state, *actions, reward, following, episode])


def read(file):
    """Reads state and joint action of each row."""
    with open(file, newline="") as rows:
        return [
            (int(row["state"]), (int(row["first"]), int(row["second"])))
            for row in csv.DictReader(rows)
        ]


def read_policies(params, data):
    """Reads the policies that a run learnt.

    Row k of a table of logits is the k-th of the data's states by size, and column k the k-th of the
    agent's actions there. Returns the actions of each agent, and by state the sums of their
    probabilities.
    """
    states = sorted({state for state, _ in data})
    actions = [sorted({joint[agent] for _, joint in data}) for agent in (0, 1)]
    tables = [load_file(params)[f"global/agent{agent}"] for agent in (0, 1)]
    for table, own in zip(tables, actions, strict=True):
        if table.shape != (len(states) + 1, len(own)):  # the last row is the end
            raise ValueError(f"{params}: expected {len(states) + 1}×{len(own)}, got {table.shape}")
    sums = [
        numpy.cumsum(weights / weights.sum(1, keepdims=True), 1)
        for weights in (numpy.exp(table - table.max(1, keepdims=True)) for table in tables)
    ]
    return actions, {
        state: [agent[row].tolist() for agent in sums] for row, state in enumerate(states)
    }


def play(environment, policies, data, rng, episodes):
    """Plays policies; in states that the data lack, all actions are random.

    Returns the sum of rewards of each episode, the mean number of steps, the share of steps with a
    joint action that the data never have in the state (`unseen`, of the steps in states that they
    have), and the share of steps in states that they lack (`unknown`).
    """
    actions, sums = policies
    seen = set(data)
    counts = {"known": 0, "unseen": 0, "unknown": 0}

    def act(state):
        if state not in sums:
            counts["unknown"] += 1
            return rng.integers(environment.actions, size=2).tolist()
        joint = tuple(
            own[min(bisect.bisect_right(upto, rng.random()), len(own) - 1)]
            for own, upto in zip(actions, sums[state], strict=True)
        )
        counts["known"] += 1
        counts["unseen"] += (state, joint) not in seen
        return list(joint)

    returns = [
        sum(reward for _, _, reward, _ in run_episode(environment, rng, act))
        for _ in range(episodes)
    ]
    known, unknown = counts["known"], counts["unknown"]
    return {
        "returns": returns,
        "steps": (known + unknown) / episodes,
        "unseen": counts["unseen"] / max(known, 1),
        "unknown": unknown / (known + unknown),
    }


def answer(question):
    """Answers one question, see the top of this file."""
    seed = question["seed"]
    environment = environments[question["environment"]](seed)
    if "make" in question:
        recipe = question["recipe"]
        episodes = make(environment, recipe, numpy.random.default_rng([seed, *recipe.encode()]))
        returns = [sum(reward for _, _, reward, _ in steps) for steps in episodes]
        episodes = drop_dead_ends(episodes)
        write(question["make"], episodes)
        states = {state for state, *_ in itertools.chain(*episodes)}
        return {"rows": sum(map(len, episodes)), "states": len(states), "returns": returns}
    data = read(question["data"])
    policies = read_policies(question["play"], data)
    rng = numpy.random.default_rng([seed, 2])
    return play(environment, policies, data, rng, question["episodes"])


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
