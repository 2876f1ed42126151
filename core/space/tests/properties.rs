//! Properties of every space, on random spaces and points.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_model::{CnnGraph, Genotype, Space};
use codebench_space::{
    BigUint, Candidate, Encoding, Points, Rng, SpaceDescription, Weighting, active, check, decode, find,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A space small enough to list every genotype, made from random tables.
fn small_space() -> impl Strategy<Value = (String, Space)> {
    let list = |name: &'static str, most: i64| {
        proptest::collection::btree_set(1..=most, 0..3).prop_map(move |values| match values.is_empty() {
            true => String::new(),
            false => format!("{name} = {:?}\n", values.into_iter().collect::<Vec<_>>()),
        })
    };
    let accelerator = (list("pib", 4), list("pix", 8), list("mask_buffer_mb", 4), 0..4usize).prop_map(
        |(pib, pix, mask, memory)| {
            let memory = [
                "memory = \"hbm\"\n",
                "memory = { rram = [1, 3], hbm = 1 }\n",
                "memory = { rram = 2, dram = [1, 2], hbm = 1 }\n",
                "memory = [\"rram\", \"dram\"]\nmemory_config = [1, 4]\npky = [1, 3]\npkx = { same_as = \"pky\" }\n",
            ][memory];
            format!("[accelerator]\n{pib}{pix}{mask}{memory}")
        },
    );
    let cnn = (1..3usize, 0..4usize, 0..3usize, any::<bool>(), any::<bool>(), 0..3usize).prop_map(
        |(ops, vertices, edges, same, joins, head)| {
            let ops = &["a", "b"][..ops];
            let vertices = ["3", "4", "[3, 4]", "[3]"][vertices];
            let edges = ["", "max_edges = 4\n", "max_edges = \"module_vertices+1\"\n"][edges];
            let stacks = if same { "stacks = [1, 3]\nsame_stacks = true\n" } else { "stacks = [1]\n" };
            let joins = if joins { "joins = [\"sum\", \"concat\"]\n" } else { "" };
            let head = [
                "",
                "[cnn.head]\ndense = \"d\"\n",
                "[cnn.head]\nflatten = [\"f\", \"g\"]\ndense = [\"d\", \"e\"]\nlayers = [0, 2]\n",
            ][head];
            format!("[cnn]\nops = {ops:?}\nvertices = {vertices}\n{edges}{stacks}{joins}{head}")
        },
    );
    let both = prop_oneof![accelerator.clone(), cnn.clone(), (cnn, accelerator).prop_map(|(c, a)| c + &a)];
    both.prop_map(|text| {
        let space = toml::from_str::<SpaceDescription>(&text).unwrap().compile().unwrap();
        (text, space)
    })
}

/// A larger one: stacks of different modules, conditions upon conditions.
fn large_space() -> Space {
    let text = "
        [cnn]
        ops = [\"conv3x3-bn-relu\", \"maxpool2x2-s2\", \"conv1x1-bn-silu\"]
        vertices = [3, 5, 6]
        max_edges = \"module_vertices+1\"
        stacks = { min = 1, max = 3 }
        modules_per_stack = [1, 2]
        default_channels = [16, 32]
        stem = [\"conv3x3-c16-bn-relu\"]
        between = [\"maxpool2x2-s2\"]
        [cnn.head]
        flatten = [\"flatten\", \"global-avg-pool\"]
        dense = [\"dense-84-relu\", \"dropout-p5\"]
        layers = [0, 1, 3]
        [accelerator]
        pib = [1, 2, 4]
        memory = { rram = { min = 1, max = 6 }, dram = { min = 1, max = 4 }, hbm = 1 }";
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

/// Every genotype in lexicographic order, valid or not.
fn all_genotypes(space: &Space) -> impl Iterator<Item = Genotype> + '_ {
    let sizes: Vec<u64> = space.choices.iter().map(|c| c.values.len() as u64).collect();
    let total: u64 = sizes.iter().product();
    (0..total).map(move |mut number| {
        let mut genes = vec![0; sizes.len()];
        for (gene, size) in genes.iter_mut().zip(&sizes).rev() {
            *gene = (number % size) as u32;
            number /= size;
        }
        Genotype(genes)
    })
}

fn size(space: &Space) -> u64 {
    space.choices.iter().map(|c| c.values.len() as u64).product()
}

fn assert_well_formed(cnn: &CnnGraph) {
    assert!(cnn.default_channels > 0);
    for module in &cnn.modules {
        let last = module.vertices.len() - 1;
        assert_eq!((&*module.vertices[0].label, &*module.vertices[last].label), ("input", "output"));
        assert!(module.edges.is_sorted_by(|a, b| (a[1], a[0]) < (b[1], b[0])));
        assert!(module.edges.iter().all(|[from, to]| from < to && *to <= last));
        for vertex in 0..=last {
            assert!(vertex == last || module.successors(vertex).next().is_some());
            assert!(vertex == 0 || module.predecessors(vertex).next().is_some());
        }
    }
    assert_eq!(cnn.modules.last().unwrap().vertices.iter().rev().nth(1).unwrap().label, "dense_classes");
}

fn genotype_of(space: &Space) -> impl Strategy<Value = Genotype> + use<> {
    proptest::collection::vec(0..9u32, space.choices.len()).prop_map(Genotype)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_count_and_the_order_equal_enumeration((text, space) in small_space()) {
        prop_assume!(size(&space) <= 1 << 16);
        let points = Points::new(&space).unwrap();
        let listed: Vec<Genotype> = all_genotypes(&space).filter(|g| check(&space, g).is_ok()).collect();
        prop_assert_eq!(points.count(), BigUint::from(listed.len()), "{}", text);
        let by_number: Vec<Genotype> =
            (0..listed.len()).map(|n| points.nth(&BigUint::from(n)).unwrap()).collect();
        prop_assert_eq!(&by_number, &listed);
        prop_assert_eq!(points.nth(&points.count()), None);
    }

    #[test]
    fn repair_is_idempotent_and_keeps_valid_points((text, space) in small_space(), seed in any::<u64>()) {
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(seed, 0);
        for _ in 0..20 {
            let genes = space.choices.iter().map(|_| rng.below(4) as u32).collect();
            let repaired = points.repair(&Genotype(genes)).unwrap();
            prop_assert!(check(&space, &repaired).is_ok(), "{} {:?}", text, repaired);
            prop_assert_eq!(points.repair(&repaired).unwrap(), repaired);
            let valid = points.sample(&mut rng);
            prop_assert_eq!(points.repair(&valid).unwrap(), valid);
        }
    }

    #[test]
    fn neighbours_are_the_points_with_one_change_held_fast((text, space) in small_space(), seed in any::<u64>()) {
        prop_assume!(size(&space) <= 1 << 12);
        let points = Points::new(&space).unwrap();
        let base = points.sample(&mut Rng::new(seed, 0));
        let neighbours = points.neighbours(&base).unwrap();
        let distinct: BTreeSet<&Genotype> = neighbours.iter().collect();
        prop_assert_eq!(distinct.len(), neighbours.len());
        prop_assert!(!distinct.contains(&base));
        for neighbour in &neighbours {
            prop_assert!(check(&space, neighbour).is_ok(), "{} {:?}", text, neighbour);
        }
        // Every valid point that differs in one active choice only is among them.
        for other in all_genotypes(&space).filter(|g| check(&space, g).is_ok()) {
            let changes = other.0.iter().zip(&base.0).filter(|(a, b)| a != b).count();
            prop_assert!(changes != 1 || distinct.contains(&other), "{} {:?} of {:?}", text, other, base);
        }
    }

    #[test]
    fn mutation_changes_and_crossover_mixes(seed in any::<u64>()) {
        let space = large_space();
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(seed, 0);
        for _ in 0..20 {
            let (a, b) = (points.sample(&mut rng), points.sample_weighted(&mut rng, Weighting::Values));
            let mutant = points.mutate(&a, &mut rng).unwrap();
            prop_assert!(mutant != a);
            prop_assert!(check(&space, &mutant).is_ok());
            let child = points.crossover(&a, &b, &mut rng).unwrap();
            prop_assert!(check(&space, &child).is_ok());
            prop_assert_eq!(points.crossover(&a, &a, &mut rng).unwrap(), a);
        }
    }

    #[test]
    fn vectors_have_one_length_and_tell_points_apart(seed in any::<u64>()) {
        let space = large_space();
        let points = Points::new(&space).unwrap();
        let encoding = Encoding::new(&space);
        prop_assert_eq!(encoding.cnn.end, encoding.accelerator.start);
        prop_assert_eq!(encoding.accelerator.end, encoding.dimension());
        let mut rng = Rng::new(seed, 0);
        let (a, b) = (points.sample_weighted(&mut rng, Weighting::Values), points.sample(&mut rng));
        let (x, y) = (encoding.encode(&space, &a), encoding.encode(&space, &b));
        prop_assert_eq!(x.len(), encoding.dimension());
        prop_assert_eq!(y.len(), encoding.dimension());
        prop_assert!(x.iter().all(|v| (0.0..=1.0).contains(v)));
        prop_assert_eq!(a == b, x == y);
        for neighbour in points.neighbours(&a).unwrap() {
            prop_assert!(encoding.encode(&space, &neighbour) != x);
        }
    }

    #[test]
    fn every_point_decodes_to_a_well_formed_candidate(seed in any::<u64>(), wish in genotype_of(&large_space())) {
        let space = large_space();
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(seed, 0);
        let values = points.sample_weighted(&mut rng, Weighting::Values);
        for point in [points.sample(&mut rng), values, points.repair(&wish).unwrap()] {
            let candidate = decode(&space, &point).unwrap();
            assert_well_formed(candidate.cnn.as_ref().unwrap());
            prop_assert!(candidate.accelerator.is_some());
            prop_assert_eq!(candidate.values.len(), active(&space, &point).len());
            prop_assert_eq!(find(&space, &candidate.values).unwrap(), point);
            let json = serde_json::to_string(&candidate).unwrap();
            prop_assert_eq!(serde_json::from_str::<Candidate>(&json).unwrap(), candidate);
        }
    }

    #[test]
    fn coordinates_reach_every_point((text, space) in small_space(), seed in any::<u64>()) {
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(seed, 0);
        for weighting in [Weighting::Points, Weighting::Values] {
            let coordinates: Vec<f64> = space.choices.iter().map(|_| rng.unit()).collect();
            let point = points.from_unit(&coordinates, weighting).unwrap();
            prop_assert!(check(&space, &point).is_ok(), "{} {:?}", text, point);
        }
        let corner = points.from_unit(&vec![0.0; space.choices.len()], Weighting::Points).unwrap();
        prop_assert_eq!(Some(corner), points.nth(&BigUint::default()));
        let other = points.from_unit(&vec![1.0 - f64::EPSILON; space.choices.len()], Weighting::Points).unwrap();
        prop_assert_eq!(Some(other), points.nth(&(points.count() - 1u32)));
    }

    #[test]
    fn a_space_survives_json((_, space) in small_space()) {
        let json = serde_json::to_string(&space).unwrap();
        prop_assert_eq!(serde_json::from_str::<Space>(&json).unwrap(), space);
    }

    /// A space document from elsewhere is refused or works; it never panics.
    #[test]
    fn damaged_documents_are_answered(at in any::<prop::sample::Index>(), with in "[0-9\\[\\]{}\",a-z]{0,3}", drop in 0..9usize) {
        let json = serde_json::to_string(&large_space()).unwrap();
        let at = at.index(json.len());
        let end = (at + drop).min(json.len());
        if !json.is_char_boundary(at) || !json.is_char_boundary(end) {
            return Ok(());
        }
        let damaged = format!("{}{with}{}", &json[..at], &json[end..]);
        let Ok(space) = serde_json::from_str::<Space>(&damaged) else { return Ok(()) };
        if let Ok(points) = Points::new(&space) {
            let point = points.sample(&mut Rng::new(0, 0));
            decode(&space, &point).unwrap();
            points.neighbours(&point).unwrap();
        }
    }

    /// A description is refused or works; it never panics.
    #[test]
    fn garbage_descriptions_are_answered(text in prop_oneof![
        "\\PC{0,60}",
        "\\[(cnn|accelerator|cnn\\.head)\\]\n(pib|pky|memory|ops|vertices|stacks|max_edges|layers) = (\\[[0-9, -]{0,9}\\]|\\{ (min|same_as|rram) = [0-9\"a-z]{1,9} \\}|nan|-?[0-9]{1,20}|\"[a-z+0-9]{0,12}\")\n",
    ]) {
        if let Ok(description) = toml::from_str::<SpaceDescription>(&text)
            && let Ok(space) = description.compile()
        {
            prop_assert!(Points::new(&space).is_ok());
        }
    }
}

/// Chi-square of draws over the listed points of a space, and its degrees of freedom.
fn chi_square(space: &Space, mut draw: impl FnMut(&Points) -> Genotype) -> (f64, f64) {
    let points = Points::new(space).unwrap();
    let listed: Vec<Genotype> = all_genotypes(space).filter(|g| check(space, g).is_ok()).collect();
    let mut counts = vec![0u32; listed.len()];
    let draws = 200 * listed.len();
    for _ in 0..draws {
        counts[listed.binary_search(&draw(&points)).unwrap()] += 1;
    }
    let chi2 = counts.iter().map(|&c| (f64::from(c) - 200.0).powi(2) / 200.0).sum();
    (chi2, listed.len() as f64 - 1.0)
}

fn uneven_space() -> Space {
    let text = "
        [cnn]
        ops = [\"a\", \"b\"]
        vertices = [3, 4]
        max_edges = 5
        [accelerator]
        memory = { rram = [1, 2, 3], hbm = 1 }";
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

/// Sampling is exact: no point is likelier for standing behind few or many decisions. Fixed seed; the bound is the mean
/// plus five standard deviations of chi-square.
#[test]
fn every_valid_point_is_as_likely() {
    let space = uneven_space();
    let mut rng = Rng::new(20_260, 0);
    let (chi2, freedom) = chi_square(&space, |points| points.sample(&mut rng));
    assert!(freedom > 100.0);
    assert!(chi2 < freedom + 5.0 * (2.0 * freedom).sqrt(), "chi2 {chi2} with {freedom} degrees of freedom");
    let choices = space.choices.len();
    let (chi2, freedom) = chi_square(&space, |points| {
        let coordinates: Vec<f64> = (0..choices).map(|_| rng.unit()).collect();
        points.from_unit(&coordinates, Weighting::Points).unwrap()
    });
    assert!(chi2 < freedom + 5.0 * (2.0 * freedom).sqrt(), "chi2 {chi2} with {freedom} degrees of freedom");
}

/// The test above can fail: values balanced choice by choice are not uniform over points.
#[test]
fn balanced_values_are_not_uniform_over_points() {
    let space = uneven_space();
    let mut rng = Rng::new(20_260, 0);
    let (chi2, freedom) = chi_square(&space, |points| points.sample_weighted(&mut rng, Weighting::Values));
    assert!(chi2 > 3.0 * freedom, "chi2 {chi2} with {freedom} degrees of freedom");
}
